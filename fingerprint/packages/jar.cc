#include "fingerprint/packages/jar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>

#include <array>
#include <memory>

#include "fingerprint/packages/ancestors.h"
#include "fingerprint/packages/path_table.h"

namespace fptrace {
namespace {

constexpr size_t kMostBytes = 1u << 20;  // of a manifest or pom.properties, unpacked
constexpr size_t kMostEntries = 1'000'000, kMostPoms = 1000;

using Archive = std::unique_ptr<archive, int (*)(archive*)>;

Archive new_archive() {
  Archive a(::archive_read_new(), &::archive_read_free);
  // Not the one that reads a zip file from its begin: it takes what the directory at the end does
  // not have, and goes through all the content.
  ::archive_read_support_format_zip_seekable(a.get());
  return a;
}

tl::unexpected<Error> bad(archive* a) {
  const char* why = ::archive_error_string(a);
  return fail(Errc::kParse, std::string("not a readable jar: ") + (why != nullptr ? why : "?"));
}

Result<std::string> read_entry(archive* a) {
  std::string text;
  std::array<char, 16384> buffer;
  while (text.size() < kMostBytes) {
    const ssize_t n = ::archive_read_data(a, buffer.data(), buffer.size());
    if (n < 0) return bad(a);
    if (n == 0) break;
    text.append(buffer.data(), size_t(n));
  }
  return text;
}

bool is_pom(std::string_view name) {
  return name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties");
}

Result<JarIdentity> read_entries(archive* a) {
  JarIdentity out;
  archive_entry* entry = nullptr;
  for (size_t i = 0; i < kMostEntries && out.poms.size() < kMostPoms; ++i) {
    const int code = ::archive_read_next_header(a, &entry);
    if (code == ARCHIVE_EOF) return out;
    if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return bad(a);
    const char* name = ::archive_entry_pathname(entry);
    if (name == nullptr) continue;
    const bool manifest = std::string_view(name) == "META-INF/MANIFEST.MF";
    if (!manifest && !is_pom(name)) continue;
    const auto text = read_entry(a);
    if (!text) return fail(text.error());
    manifest ? void(out.manifest = parse_jar_manifest(*text))
             : out.poms.push_back(parse_properties(*text));
  }
  return fail(Errc::kUnsupported, "jar with too many entries");
}

std::string value(const std::map<std::string, std::string>& fields, const std::string& name) {
  const auto it = fields.find(name);
  return it == fields.end() ? std::string() : it->second;
}

// A bundle's (OSGi) name may have directives behind it: "org.x;singleton:=true".
Package from_manifest(const std::map<std::string, std::string>& m) {
  const std::string bundle = value(m, "Bundle-SymbolicName");
  if (!bundle.empty()) {
    const std::string_view name = trimmed(std::string_view(bundle).substr(0, bundle.find(';')));
    return {"maven", std::string(name), value(m, "Bundle-Version"), ""};
  }
  const std::string vendor = value(m, "Implementation-Vendor-Id");
  std::string name = value(m, "Implementation-Title");
  if (!vendor.empty() && !name.empty()) name = vendor + ":" + name;
  return {"maven", name, value(m, "Implementation-Version"), ""};
}

}  // namespace

std::map<std::string, std::string> parse_jar_manifest(std::string_view text) {
  std::map<std::string, std::string> out;
  std::string* last = nullptr;
  for_each_line(text, [&](size_t, std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return false;  // sections of single entries follow
    if (line[0] == ' ') {
      if (last != nullptr) last->append(line.substr(1));
      return true;
    }
    const size_t colon = line.find(':');
    if (colon == line.npos) return true;
    last = &out[std::string(line.substr(0, colon))];
    *last = trimmed(line.substr(colon + 1));
    return true;
  });
  return out;
}

std::map<std::string, std::string> parse_properties(std::string_view text) {
  std::map<std::string, std::string> out;
  for_each_line(text, [&](size_t, std::string_view line) {
    line = trimmed(line);
    const size_t equals = line.find('=');
    if (line.starts_with('#') || line.starts_with('!') || equals == line.npos) return true;
    out[std::string(trimmed(line.substr(0, equals)))] = trimmed(line.substr(equals + 1));
    return true;
  });
  return out;
}

Result<JarIdentity> read_jar(std::string_view bytes) {
  const Archive a = new_archive();
  if (::archive_read_open_memory(a.get(), bytes.data(), bytes.size()) != ARCHIVE_OK) {
    return bad(a.get());
  }
  return read_entries(a.get());
}

Result<JarIdentity> read_jar(int fd) {
  const Archive a = new_archive();
  if (::archive_read_open_fd(a.get(), fd, 65536) != ARCHIVE_OK) return bad(a.get());
  return read_entries(a.get());
}

std::vector<Package> jar_packages(const JarIdentity& jar, const std::string& file_name) {
  std::vector<Package> out;
  for (const auto& pom : jar.poms) {
    const std::string group = value(pom, "groupId"), artifact = value(pom, "artifactId");
    if (artifact.empty()) continue;
    const Package p{"maven", group.empty() ? artifact : group + ":" + artifact,
                    value(pom, "version"), ""};
    // One that has others packed into it is named for itself.
    const bool own = file_name.starts_with(artifact + "-" + p.version) ||
                     file_name.substr(0, file_name.rfind('.')) == artifact;
    out.insert(own ? out.begin() : out.end(), p);
  }
  if (!out.empty()) return out;
  Package p = from_manifest(jar.manifest);
  if (!p.name.empty() && !p.version.empty()) out.push_back(std::move(p));
  return out;
}

Ownership Jars::find(const std::string& path) {
  const std::string name = base_name(path);
  const auto ends = [&](const char* suffix) { return name.ends_with(suffix); };
  if (!ends(".jar") && !ends(".war") && !ends(".ear")) return {};
  const auto fd = root_.open(path, O_RDONLY);
  if (!fd) return {};  // gone since, or not ours to read: nothing says that it is a package
  const auto jar = read_jar(fd->get());
  if (!jar) return problems_.insert(root_.shown(path) + ": " + jar.error().what), Ownership();
  return {jar_packages(*jar, name), false};
}

}  // namespace fptrace
