#include "fingerprint/packages/apk.h"

#include <algorithm>
#include <climits>
#include <set>

namespace fptrace {
namespace {

// Of all paths together: directories are told once for many files, so a short text could make a
// very long list.
constexpr size_t kMostPathBytes = 128u << 20;

struct Parser {
  std::vector<ApkPackage> out;
  ApkPackage current;
  std::string directory = "/";
  size_t path_bytes = 0, paths = 0;

  void finish() {
    current.package.manager = "apk";
    if (!current.package.name.empty()) out.push_back(std::move(current));
    current = {};
    directory = "/";
  }
  // What is wrong with the line; nullptr when nothing is.
  const char* line(std::string_view text) {
    if (text.empty()) return finish(), out.size() > kMostPackages ? "too many packages" : nullptr;
    if (text.size() < 2 || text[1] != ':') return "no field letter";
    const std::string_view value = text.substr(2);
    if (value.size() > PATH_MAX) return "too long";
    switch (text[0]) {
      case 'P':
        current.package.name = value;
        break;
      case 'V':
        current.package.version = value;
        break;
      case 'A':
        current.package.arch = value;
        break;
      case 'F':
        directory = value.empty() ? "/" : "/" + std::string(value) + "/";
        break;
      case 'R':
        current.files.push_back(directory + std::string(value));
        path_bytes += current.files.back().size();
        if (path_bytes > kMostPathBytes || ++paths > kMostPaths) return "more files than fit";
        break;
      default:
        break;
    }
    return nullptr;
  }
};

}  // namespace

Result<std::vector<ApkPackage>> parse_apk_installed(std::string_view text) {
  Parser parser;
  std::string error;
  for_each_line(text, [&](size_t number, std::string_view line) {
    const char* wrong = parser.line(line);
    if (wrong != nullptr) error = "apk installed line " + std::to_string(number) + ": " + wrong;
    return wrong == nullptr;
  });
  if (!error.empty()) return fail(Errc::kParse, error);
  parser.finish();
  return std::move(parser.out);
}

Result<ApkDatabase> ApkDatabase::read(const RootDir& root) {
  ApkDatabase db;
  // The second since apk-tools 3, where the first may be a link to it.
  for (const char* path : {"/lib/apk/db/installed", "/usr/lib/apk/db/installed"}) {
    if (!db.empty() || !root.exists(path)) continue;
    if (auto r = db.read_file(root, path); !r) return fail(r.error());
  }
  if (!db.empty()) db.aliases_ = UsrAliases::read(root);
  return db;
}

Result<void> ApkDatabase::read_file(const RootDir& root, const std::string& path) {
  const auto text = root.read(path);
  if (!text) return fail(text.error());
  auto all = parse_apk_installed(*text);
  if (!all) return fail(Errc::kParse, root.shown(path) + ": " + all.error().what);
  for (ApkPackage& p : *all) {
    for (std::string& file : p.files) {
      files_.add(files_.keep(std::move(file)), uint32_t(packages_.size()));
    }
    packages_.push_back(std::move(p.package));
  }
  return {};
}

Ownership ApkDatabase::find(const std::string& path) {
  if (empty()) return {};
  std::set<Package> found;
  for (const std::string& name : aliases_.spellings(path)) {
    files_.each(name, [&](uint32_t p) { found.insert(packages_[p]); });
  }
  return {{found.begin(), found.end()}, false};
}

}  // namespace fptrace
