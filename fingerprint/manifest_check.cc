#include "fingerprint/manifest_check.h"

#include <set>
#include <string_view>

#include "common/base/text.h"

namespace fptrace {
namespace {

bool is_safe_path(std::string_view path) {
  if (path.find('\0') != path.npos) return false;
  if (path.starts_with("memfd:") || path.starts_with('@')) return true;
  if (!path.starts_with('/')) return false;
  for (size_t at = 1; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (path.substr(at, end - at) == "..") return false;
    at = end + 1;
  }
  return true;
}

// Looks at one list of things with a path.
template <class T, class Key>
Result<void> check_list(const std::vector<T>& list, const char* name, const char* field, Key key) {
  std::set<decltype(key(list[0]))> seen;
  for (size_t i = 0; i < list.size(); ++i) {
    const auto k = key(list[i]);
    const std::string where = name + ("[" + std::to_string(i)) + "]" + field + ": ";
    if (!is_safe_path(k.first)) {
      return fail(Errc::kParse,
                  where + "\"" + printable(k.first) + "\" is not an absolute path without \"..\"");
    }
    if (!seen.insert(k).second) {
      return fail(Errc::kParse, where + "\"" + printable(k.first) + "\" comes twice");
    }
  }
  return {};
}

}  // namespace

Result<void> check_schema(const std::string& schema) {
  if (schema == kManifestSchema) return {};
  if (!schema.starts_with("fptrace.manifest/")) {
    return fail(Errc::kParse, "schema: \"" + printable(schema) + "\" is not a manifest's");
  }
  return fail(Errc::kUnsupported, "schema: \"" + printable(schema) +
                                      "\" is not known; this version reads " + kManifestSchema);
}

Result<void> check_manifest(const Manifest& m) {
  using Key = std::pair<std::string_view, std::string_view>;
  const auto by_path = [](const auto& x) { return Key{x.path, ""}; };
  auto r = check_list(m.files, "files", ".path", [](const ManifestFile& f) {
    return Key{f.path, f.source};
  });
  if (r) r = check_list(m.missing, "missing", ".path", by_path);
  if (r) r = check_list(m.outputs, "outputs", ".path", by_path);
  if (r && m.temporaries) {
    r = check_list(*m.temporaries, "temporaries", "", [](const std::string& s) {
      return Key{s, ""};
    });
  }
  return r;
}

}  // namespace fptrace
