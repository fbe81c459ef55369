#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "fingerprint/packages/package.h"
#include "fingerprint/packages/root_dir.h"
#include "fingerprint/sbom/licence.h"

namespace fptrace {

// What a package database says of a package beyond its name.
struct PackageFacts {
  std::string supplier;        // the maintainer's name
  std::string supplier_email;  // may be empty
  std::string homepage;        // an http or https URL
  std::optional<DeclaredLicence> licence;
  bool operator==(const PackageFacts&) const = default;
};

// Supplier and homepage of every package in dpkg's status file. Pure.
Result<std::map<Package, PackageFacts>> parse_package_facts(std::string_view dpkg_status);

// Looks packages up on this machine, which need not be the one that was traced: a package that is
// installed here in another version has no facts.
class HostPackageFacts {
 public:
  // `root` "" is this host.
  explicit HostPackageFacts(std::string root) : root_(std::move(root)) {}
  PackageFacts facts(const Package& package);

 private:
  RootDir root_;
  std::optional<std::map<Package, PackageFacts>> dpkg_;  // read when first asked for
};

}  // namespace fptrace
