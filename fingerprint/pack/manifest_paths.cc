#include "fingerprint/pack/manifest_paths.h"

#include <algorithm>

#include "common/analysis/pseudo_path.h"
#include "common/base/text.h"

namespace fptrace::pack {
namespace {

constexpr size_t kMaxName = 255;  // NAME_MAX

bool is_canonical(std::string_view path) {
  if (path == "/") return true;
  if (!path.starts_with('/') || path.ends_with('/')) return false;
  for (size_t at = 1; at <= path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view name = path.substr(at, end - at);
    if (name.empty() || name == "." || name == ".." || name.size() > kMaxName) return false;
    at = end + 1;
  }
  return path.find('\0') == path.npos;
}

tl::unexpected<Error> bad(const std::string& field, std::string_view value, const char* why) {
  return fail(Errc::kParse, field + ": \"" + printable(value) + "\" " + why);
}

Result<void> check_canonical(const std::string& field, const std::string& path) {
  if (is_canonical(path)) return {};
  return bad(field, path, "is not a canonical absolute path");
}

Result<void> check_file(const std::string& field, const ManifestFile& f) {
  if (is_anonymous(f.path)) return {};
  if (auto ok = check_canonical(field + ".path", f.path); !ok) return ok;
  for (size_t i = 0; i < f.links.size(); ++i) {
    auto ok = check_canonical(field + ".links[" + std::to_string(i) + "]", f.links[i]);
    if (!ok) return ok;
  }
  for (size_t i = 0; i < f.as_used.size(); ++i) {
    if (f.as_used[i].starts_with('/') && f.as_used[i].find('\0') == std::string::npos) continue;
    return bad(field + ".as_used[" + std::to_string(i) + "]", f.as_used[i],
               "is not an absolute path");
  }
  if (f.source.starts_with('/')) return check_canonical(field + ".source", f.source);
  return {};
}

Result<void> check_text(const std::string& field, const std::string& text) {
  if (text.find('\0') == text.npos) return {};
  return bad(field, text, "has a zero byte");
}

}  // namespace

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> names;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view name = path.substr(at, end - at);
    if (!name.empty() && name != ".") names.emplace_back(name);
    at = end + 1;
  }
  return names;
}

Result<void> check_paths(const Manifest& m) {
  for (size_t i = 0; i < m.files.size(); ++i)
    if (auto ok = check_file("files[" + std::to_string(i) + "]", m.files[i]); !ok) return ok;
  for (size_t i = 0; i < m.outputs.size(); ++i) {
    if (is_anonymous(m.outputs[i].path)) continue;
    auto ok = check_canonical("outputs[" + std::to_string(i) + "].path", m.outputs[i].path);
    if (!ok) return ok;
  }
  if (!m.cwd.empty())
    if (auto ok = check_canonical("command.cwd", m.cwd); !ok) return ok;
  for (size_t i = 0; i < m.argv.size(); ++i)
    if (auto ok = check_text("command.argv[" + std::to_string(i) + "]", m.argv[i]); !ok) return ok;
  for (const auto& [name, value] : m.environment_set) {
    if (auto ok = check_text("environment.set", name + "=" + value); !ok) return ok;
  }
  return {};
}

}  // namespace fptrace::pack
