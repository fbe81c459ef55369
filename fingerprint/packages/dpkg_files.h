#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/packages/root_dir.h"

namespace fptrace {

// What a stanza of /var/lib/dpkg/status says of a package's ties to others.
struct DpkgTies {
  std::string name, arch;
  // Depends and Pre-Depends: names alone, of alternatives all.
  std::vector<std::string> depends;
  std::vector<std::string> recommends;  // likewise
  std::vector<std::string> provides;
  bool operator==(const DpkgTies&) const = default;
};

// Pure: of the packages that are installed. What is no field is passed over.
std::vector<DpkgTies> parse_dpkg_ties(std::string_view status);

// Paths of all that these packages ("gcc", "libc6"), and those that they depend on, have installed:
// directories, too, and in no order. With `recommended` also what they, or those that they depend
// on at first hand, recommend: gcc, which depends on gcc-12, does not compile much without
// libc6-dev. Documentation is left out. Empty where there is no dpkg, or none of them is known to
// it.
std::vector<std::string> dpkg_files_with_dependencies(const RootDir& root,
                                                      const std::set<std::string>& packages,
                                                      bool recommended);

// The packages that have one of these files, by its path; canonical paths of files, each of which
// dpkg may know by its name before /bin and its like were merged into /usr.
std::map<std::string, std::set<std::string>> dpkg_packages_of(const RootDir& root,
                                                              const std::set<std::string>& paths);

// Of these directories those that no more than so many packages have something in.
std::vector<std::string> dpkg_private_directories(const RootDir& root,
                                                  const std::vector<std::string>& directories,
                                                  size_t most_packages);

}  // namespace fptrace
