#include "fingerprint/packages/cran.h"

#include "fingerprint/packages/ancestors.h"
#include "fingerprint/packages/path_table.h"

namespace fptrace {
namespace {

// They are some kilobytes long; R reads the whole of it into memory too.
constexpr size_t kMostBytes = 4u << 20;

}  // namespace

Result<Package> parse_r_description(std::string_view text) {
  Package p{"cran", "", "", ""};
  bool built = false;
  for_each_line(text, [&](size_t, std::string_view line) {
    if (line.starts_with("Package:")) p.name = trimmed(line.substr(8));
    if (line.starts_with("Version:")) p.version = trimmed(line.substr(8));
    built |= line.starts_with("Built:");
    return true;
  });
  if (!built || p.name.empty() || p.version.empty()) {
    return fail(Errc::kParse, "not of an installed R package");
  }
  return p;
}

const std::optional<Package>& RPackages::package_in(const std::string& dir) {
  const auto [it, is_new] = packages_.try_emplace(dir);
  const std::string path = dir + "/DESCRIPTION";
  if (!is_new || !root_.exists(path)) return it->second;
  const auto text = root_.read(path, kMostBytes);
  if (!text) return problems_.insert(text.error().what), it->second;
  auto package = parse_r_description(*text);
  // The name is used for much else: what is no R package's is none of ours.
  if (package && package->name == base_name(dir)) it->second = std::move(*package);
  return it->second;
}

Ownership RPackages::find(const std::string& path) {
  Ownership out;
  for_each_ancestor(path, [&](const std::string& dir) {
    const auto& package = package_in(dir);
    if (package) out.packages.push_back(*package);
    return package.has_value();
  });
  return out;
}

}  // namespace fptrace
