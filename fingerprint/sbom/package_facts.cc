#include "fingerprint/sbom/package_facts.h"

#include "fingerprint/sbom/control_file.h"

namespace fptrace {
namespace {

constexpr size_t kMaxStatus = 256u << 20, kMaxCopyright = 16u << 20;

bool is_plain(std::string_view s) {
  for (const char c : s) {
    if (uint8_t(c) <= 0x20 || uint8_t(c) >= 0x7f) return false;
  }
  return !s.empty();
}

// "NAME <MAIL>"
void set_supplier(std::string_view maintainer, PackageFacts& facts) {
  const size_t open = maintainer.rfind('<');
  std::string_view name = maintainer.substr(0, open);
  while (name.ends_with(' ')) name.remove_suffix(1);
  facts.supplier = name;
  if (open == maintainer.npos || !maintainer.ends_with('>')) return;
  const std::string_view mail = maintainer.substr(open + 1, maintainer.size() - open - 2);
  if (is_plain(mail) && mail.find('@') != mail.npos) facts.supplier_email = mail;
}

// A package's name comes from a manifest, which may name anything.
bool is_package_name(std::string_view name) {
  return is_plain(name) && name.find('/') == name.npos && !name.starts_with('.');
}

}  // namespace

Result<std::map<Package, PackageFacts>> parse_package_facts(std::string_view dpkg_status) {
  const auto paragraphs = parse_control_file(dpkg_status);
  if (!paragraphs) return fail(paragraphs.error());
  std::map<Package, PackageFacts> out;
  for (const ControlParagraph& p : *paragraphs) {
    const Package package{"dpkg", std::string(field(p, "Package")),
                          std::string(field(p, "Version")), std::string(field(p, "Architecture"))};
    PackageFacts facts;
    set_supplier(field(p, "Maintainer"), facts);
    const std::string_view url = field(p, "Homepage");
    const bool web = url.starts_with("http://") || url.starts_with("https://");
    if (web && is_plain(url)) facts.homepage = url;
    out.emplace(package, std::move(facts));
  }
  return out;
}

PackageFacts HostPackageFacts::facts(const Package& package) {
  if (package.manager != "dpkg") return {};
  if (!dpkg_) {
    const auto text = root_.read("/var/lib/dpkg/status", kMaxStatus);
    auto parsed = parse_package_facts(text.value_or(""));
    dpkg_ = parsed ? *std::move(parsed) : std::map<Package, PackageFacts>();
  }
  const auto it = dpkg_->find(package);
  if (it == dpkg_->end() || !is_package_name(package.name)) return {};
  PackageFacts out = it->second;
  const auto copyright = root_.read("/usr/share/doc/" + package.name + "/copyright", kMaxCopyright);
  if (!copyright) return out;
  if (auto licence = parse_copyright_file(*copyright, package.name)) out.licence = *licence;
  return out;
}

}  // namespace fptrace
