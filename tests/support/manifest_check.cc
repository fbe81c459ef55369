#include "tests/support/manifest_check.h"

#include <fnmatch.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdio>

namespace fptrace::testing {
namespace {

bool matches(const std::string& glob, const std::string& text) {
  return ::fnmatch(glob.c_str(), text.c_str(), 0) == 0;
}

bool under(const std::string& root, const std::string& path) {
  return path == root || path.starts_with(root + "/");
}

std::string roles_text(const RoleSet& roles) {
  std::string out;
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (roles.has(Role(i))) out += (out.empty() ? "" : "+") + std::string(kRoleNames[i]);
  }
  return out;
}

RoleSet role_set(const std::set<std::string>& names) {
  RoleSet roles;
  for (const auto& name : names) roles.add(*from_name<Role>(kRoleNames, name));
  return roles;
}

std::string hex(const Sha256& hash) {
  std::string out;
  for (const uint8_t byte : hash) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", unsigned(byte));
    out += two;
  }
  return out;
}

class Checker {
 public:
  Checker(const Manifest& manifest, const Expectation& expectation,
          const std::vector<std::string>& exact_roots)
      : manifest_(manifest), expectation_(expectation), exact_roots_(exact_roots) {}

  std::vector<std::string> check(const std::string& own_program) {
    check_files(own_program);
    check_missing();
    check_outputs();
    check_gaps();
    check_absent();
    return std::move(complaints_);
  }

 private:
  void complain(int line, const std::string& what) {
    complaints_.push_back((line ? "expect line " + std::to_string(line) + ": " : "") + what);
  }
  bool exact(const std::string& path) const {
    return std::any_of(exact_roots_.begin(), exact_roots_.end(),
                       [&](const auto& root) { return under(root, path); });
  }
  bool allowed(const std::string& kind, const std::string& name) const {
    return std::any_of(
        expectation_.allowed.begin(), expectation_.allowed.end(),
        [&](const Allowed& may) { return may.kind == kind && matches(may.glob, name); });
  }

  void check_content(int line, const std::string& path, const Content& want,
                     const std::optional<Sha256>& got) {
    if (!want.given()) return;
    if (!got) return complain(line, path + " has no sha256");
    const Sha256 hash = sha256_of(*want.literal);
    if (hash == *got) return;
    std::string text = *want.literal;
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    complain(line,
             path + " has sha256 " + hex(*got) + ", not " + hex(hash) + " (of \"" + text + "\")");
  }

  void check_file(const ExpectedFile& want, const ManifestFile& got) {
    if (got.roles != role_set(want.roles)) {
      complain(want.line, want.path + " has the roles " + roles_text(got.roles) + ", not " +
                              roles_text(role_set(want.roles)));
    }
    if (want.linkage && *want.linkage != to_string(got.linkage)) {
      complain(want.line, want.path + " has the linkage \"" + std::string(to_string(got.linkage)) +
                              "\", not " + *want.linkage);
    }
    if (want.peer && *want.peer != got.peer) {
      complain(want.line, want.path + " has the peer \"" + got.peer + "\", not " + *want.peer);
    }
    for (const auto& link : want.links) {
      if (std::find(got.links.begin(), got.links.end(), link) == got.links.end()) {
        complain(want.line, want.path + " was not reached through " + link);
      }
    }
    check_content(want.line, want.path, want.content, got.sha256);
  }

  void check_files(const std::string& own_program) {
    std::vector<ExpectedFile> wanted = expectation_.files;
    if (std::none_of(wanted.begin(), wanted.end(),
                     [&](const auto& want) { return want.path == own_program; })) {
      wanted.push_back({0, own_program, {"executable"}, {}, {}, {}, {}, {}});
    }
    std::vector<bool> used(manifest_.files.size(), false);
    for (const auto& want : wanted) {
      bool found = false;
      for (size_t i = 0; i < manifest_.files.size() && !found; ++i) {
        // One path may be listed with several sources: before and after something was mounted
        // there.
        found = !used[i] && manifest_.files[i].path == want.path &&
                (!want.source || *want.source == manifest_.files[i].source);
        if (!found) continue;
        used[i] = true;
        check_file(want, manifest_.files[i]);
      }
      if (!found)
        complain(want.line, "file " + want.path + (want.source ? " from " + *want.source : "") +
                                " is not in the manifest");
    }
    for (size_t i = 0; i < manifest_.files.size(); ++i) {
      const auto& file = manifest_.files[i];
      if (used[i] || !exact(file.path) || allowed("file", file.path)) continue;
      complain(0, "unexpected file " + file.path + " (" + roles_text(file.roles) + ")");
    }
  }

  void check_missing() {
    std::vector<bool> used(manifest_.missing.size(), false);
    for (const auto& want : expectation_.missing) {
      bool found = false;
      for (size_t i = 0; i < manifest_.missing.size() && !found; ++i) {
        const auto& got = manifest_.missing[i];
        found = !used[i] && got.path == want.path && got.error == want.error;
        if (found) used[i] = true;
      }
      if (!found) complain(want.line, "missing " + want.path + " " + want.error + " is not there");
    }
    for (size_t i = 0; i < manifest_.missing.size(); ++i) {
      const auto& got = manifest_.missing[i];
      if (used[i] || !exact(got.path) || allowed("missing", got.path)) continue;
      complain(0, "unexpected missing " + got.path + " " + got.error);
    }
  }

  void check_outputs() {
    std::vector<bool> used(manifest_.outputs.size(), false);
    for (const auto& want : expectation_.outputs) {
      bool found = false;
      for (size_t i = 0; i < manifest_.outputs.size() && !found; ++i) {
        found = !used[i] && manifest_.outputs[i].path == want.path;
        if (!found) continue;
        used[i] = true;
        check_content(want.line, want.path, want.content, manifest_.outputs[i].sha256);
      }
      if (!found) complain(want.line, "output " + want.path + " is not in the manifest");
    }
    for (size_t i = 0; i < manifest_.outputs.size(); ++i) {
      const auto& got = manifest_.outputs[i];
      if (used[i] || !exact(got.path) || allowed("output", got.path)) continue;
      complain(0, "unexpected output " + got.path);
    }
  }

  void check_gaps() {
    for (const auto& want : expectation_.gaps) {
      if (std::none_of(manifest_.undecoded.begin(), manifest_.undecoded.end(),
                       [&](const auto& got) { return matches(want.glob, got.what); })) {
        complain(want.line, "coverage does not name " + want.glob);
      }
    }
    for (const auto& got : manifest_.undecoded) {
      const bool wanted =
          std::any_of(expectation_.gaps.begin(), expectation_.gaps.end(),
                      [&](const auto& want) { return matches(want.glob, got.what); });
      if (!wanted && !allowed("gap", got.what)) complain(0, "unexpected gap: " + got.what);
    }
    if (manifest_.complete != manifest_.undecoded.empty()) {
      complain(0, "coverage.complete does not go with the list of what is undecoded");
    }
  }

  void check_absent() {
    const auto deny = [&](const std::string& kind, const std::string& path) {
      for (const auto& glob : expectation_.absent) {
        if (matches(glob, path)) complain(0, kind + " " + path + " must not be there: " + glob);
      }
    };
    for (const auto& file : manifest_.files) deny("file", file.path);
    for (const auto& missing : manifest_.missing) deny("missing", missing.path);
    for (const auto& output : manifest_.outputs) deny("output", output.path);
  }

  const Manifest& manifest_;
  const Expectation& expectation_;
  const std::vector<std::string>& exact_roots_;
  std::vector<std::string> complaints_;
};

}  // namespace

std::vector<std::string> check_manifest(const Manifest& manifest, const Expectation& expectation,
                                        const std::vector<std::string>& exact_roots,
                                        const std::string& own_program) {
  return Checker(manifest, expectation, exact_roots).check(own_program);
}

Sha256 sha256_of(std::string_view content) {
  Sha256 hash{};
  unsigned size = 0;
  EVP_Digest(content.data(), content.size(), hash.data(), &size, EVP_sha256(), nullptr);
  return hash;
}

}  // namespace fptrace::testing
