#include "fingerprint/packages/conda.h"

#include "fingerprint/packages/ancestors.h"
#include "fingerprint/packages/json_fields.h"

namespace fptrace {

Result<CondaPackage> parse_conda_meta(std::string_view json) {
  auto fields = parse_json_fields(json, "files");
  if (!fields) return fail(fields.error());
  CondaPackage out;
  out.package = {"conda", fields->get("name"), fields->get("version"), fields->get("subdir")};
  if (out.package.name.empty()) return fail(Errc::kParse, "no name");
  out.files = std::move(fields->list);
  return out;
}

const CondaPackages::Prefix& CondaPackages::prefix(const std::string& dir) {
  const auto [it, is_new] = prefixes_.try_emplace(dir);
  Prefix& p = it->second;
  const std::string meta = dir + "/conda-meta";
  if (!is_new || !root_.exists(meta)) return p;
  const auto names = root_.list(meta);
  if (!names) return problems_.insert(names.error().what), p;
  for (const std::string& name : *names) {
    if (!name.ends_with(".json")) continue;
    const std::string path = meta + "/" + name;
    const auto text = root_.read(path);
    auto package = text ? parse_conda_meta(*text) : fail(text.error());
    if (!package) {
      problems_.insert(root_.shown(path) + ": " + package.error().what);
      continue;
    }
    package->files.push_back("conda-meta/" + name);
    for (const std::string& file : package->files) {
      p.files.add(p.files.keep(normalized(dir, file)), uint32_t(p.packages.size()));
    }
    p.packages.push_back(std::move(package->package));
  }
  return p;
}

Ownership CondaPackages::find(const std::string& path) {
  Ownership out;
  for_each_ancestor(path, [&](const std::string& dir) {
    const Prefix& p = prefix(dir);
    p.files.each(path, [&](uint32_t i) { out.packages.push_back(p.packages[i]); });
    return !out.packages.empty();
  });
  return out;
}

}  // namespace fptrace
