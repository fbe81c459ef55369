#include "fingerprint/packages/npm.h"

#include "fingerprint/packages/json_fields.h"

namespace fptrace {
namespace {

constexpr std::string_view kModules = "/node_modules/";

}  // namespace

Result<Package> parse_package_json(std::string_view json) {
  const auto fields = parse_json_fields(json);
  if (!fields) return fail(fields.error());
  Package p{"npm", fields->get("name"), fields->get("version"), ""};
  if (p.name.empty() || p.version.empty()) return fail(Errc::kUnsupported, "no name and version");
  return p;
}

const std::optional<Package>& NodePackages::package_in(const std::string& dir) {
  const auto [it, is_new] = packages_.try_emplace(dir);
  const std::string path = dir + "/package.json";
  if (!is_new || !root_.exists(path)) return it->second;
  const auto text = root_.read(path);
  auto package = text ? parse_package_json(*text) : fail(text.error());
  if (package) {
    it->second = std::move(*package);
  } else if (package.error().code != Errc::kUnsupported) {  // {"type": "module"} is quite usual
    problems_.insert(root_.shown(path) + ": " + package.error().what);
  }
  return it->second;
}

Ownership NodePackages::find(const std::string& path) {
  const size_t modules = path.rfind(kModules);
  if (modules == path.npos) return {};
  size_t end = path.find('/', modules + kModules.size());
  const bool scoped = path[modules + kModules.size()] == '@';
  if (scoped && end != path.npos) end = path.find('/', end + 1);
  for (; end != path.npos; end = path.find('/', end + 1)) {
    if (const auto& package = package_in(path.substr(0, end))) return {{*package}, false};
  }
  return {};
}

}  // namespace fptrace
