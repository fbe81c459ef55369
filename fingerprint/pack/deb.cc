#include "fingerprint/pack/deb.h"

#include <algorithm>
#include <cctype>
#include <ctime>

#include "common/base/text.h"
#include "fingerprint/pack/dir_walk.h"
#include "fingerprint/pack/sink.h"

namespace fptrace::pack {
namespace {

bool is_one_of(const std::string& text, std::string_view punctuation) {
  return std::ranges::all_of(text, [&](unsigned char c) {
    return std::isalnum(c) != 0 || punctuation.find(char(c)) != punctuation.npos;
  });
}

std::string rfc5322(int64_t seconds) {
  const time_t t = seconds;
  tm parts{};
  char text[64];
  ::gmtime_r(&t, &parts);
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S +0000", &parts)};
}

std::string depends(const Installable& what) {
  std::string out;
  for (const Package& p : what.packages) {
    const bool native = p.arch == what.arch || p.arch == "all";
    out += (out.empty() ? "" : ", ") + p.name + (native ? "" : ":" + p.arch) + " (>= " + p.version +
           ")";
  }
  return out;
}

PackEntry document(std::string path, std::string text, int64_t epoch) {
  PackEntry e;
  e.path = std::move(path);
  e.content = PackEntry::Content::kLiteral;
  e.size = text.size();
  e.source = std::move(text);
  e.mtime = epoch;
  return e;
}

}  // namespace

Result<void> check_deb_info(const DebInfo& info) {
  const std::string& n = info.name;
  const bool upper = std::ranges::any_of(n, [](unsigned char c) { return std::isupper(c) != 0; });
  if (n.size() < 2 || upper || !is_one_of(n, "+-.") || !is_one_of(n.substr(0, 1), ""))
    return fail(Errc::kParse, "\"" + printable(n) +
                                  "\" is no name for a Debian package: lower-case letters, digits, "
                                  "\"+-.\", at least two; see --name");
  const std::string& v = info.version;
  if (v.empty() || v[0] < '0' || v[0] > '9' || !is_one_of(v, ".+-~"))
    return fail(Errc::kParse, "\"" + printable(v) +
                                  "\" is no version of a Debian package: a digit, then letters, "
                                  "digits, \".+-~\"; see --package-version");
  return {};
}

std::string deb_name(const std::string& program) {
  std::string out = "fptrace-";
  for (const char c : program) {
    const auto u = static_cast<unsigned char>(c);
    out += u < 128 && (std::isalnum(u) != 0 || c == '+' || c == '.') ? char(std::tolower(u)) : '-';
  }
  return out;
}

std::string deb_control(const DebInfo& info, const PackCommand& command, const Installable& what,
                        uint64_t size) {
  std::string out = "Package: " + info.name + "\nVersion: " + info.version +
                    "\nArchitecture: " + what.arch + "\nMaintainer: " + info.maintainer +
                    "\nInstalled-Size: " + std::to_string((size + 1023) / 1024) + "\n";
  if (const std::string needed = depends(what); !needed.empty()) out += "Depends: " + needed + "\n";
  return out + "Section: misc\nPriority: optional\nDescription: what " + command.name +
         " needs to run\n The packages whose files the program used in a traced run, and the files "
         "it "
         "used\n that no package brings.\n";
}

Result<void> add_deb_documents(const DebInfo& info, const PackCommand& command,
                               std::vector<PackEntry>& entries) {
  const std::string dir = "/usr/share/doc/" + info.name;
  const std::string copyright =
      "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\n"
      "Copyright: the authors of the files\nLicense: unknown\n These files were collected from a "
      "running system by fptrace pack, with what\n " +
      command.name +
      " used when it was traced. Their licenses are those of their authors; see\n to them before "
      "passing this package on.\n";
  const std::string change =
      info.name + " (" + info.version +
      ") unstable; urgency=medium\n\n  * Collected by fptrace pack.\n\n -- " + info.maintainer +
      "  " + rfc5322(info.epoch) + "\n";
  StringSink packed;
  auto gzip = make_compressor(Compression::kGzip, packed);
  if (!gzip) return fail(gzip.error());
  if (auto ok = (*gzip)->write(change); !ok) return ok;
  if (auto ok = (*gzip)->finish(); !ok) return ok;
  std::map<std::string, PackEntry> all;
  for (PackEntry& e : entries) all.emplace(e.path, std::move(e));
  all.emplace(dir + "/changelog.gz", document(dir + "/changelog.gz", packed.text(), info.epoch));
  all.emplace(dir + "/copyright", document(dir + "/copyright", copyright, info.epoch));
  for (std::string at = dir;; at = parent_path(at)) {
    PackEntry& e = all.try_emplace(at).first->second;
    if (e.path.empty()) {
      e.path = at;
      e.type = FileType::kDirectory;
      e.mode = 0755;
      e.mtime = info.epoch;
    }
    if (at == "/") break;
  }
  entries.clear();
  for (auto& [path, entry] : all) entries.push_back(std::move(entry));
  return {};
}

}  // namespace fptrace::pack
