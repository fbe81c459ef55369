#pragma once
#include <map>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/packages/owner_source.h"
#include "fingerprint/packages/path_table.h"
#include "fingerprint/packages/root_dir.h"

namespace fptrace {

// Pure. The paths of a dist-info's RECORD: the first column of comma-separated values, quoted where
// they must be (packaging.python.org, "Recording installed projects").
Result<std::vector<std::string>> parse_python_record(std::string_view text);
// Pure. Name and version from the head of a METADATA or PKG-INFO file.
Result<Package> parse_python_metadata(std::string_view text);

// Python distributions: dist-info with its RECORD, egg-info with installed-files.txt or
// SOURCES.txt, and unpacked eggs. Looked for in each directory above a file, and in the
// site-packages of each prefix above it, for scripts in PREFIX/bin.
class PythonPackages : public OwnerSource {
 public:
  PythonPackages(const RootDir& root, Problems& problems) : root_(root), problems_(problems) {}
  Ownership find(const std::string& path) override;

 private:
  // A directory with distributions in it.
  struct Site {
    std::vector<Package> packages;
    PathTable files;
    std::map<std::string, uint32_t> metadata;  // "/x/NAME-1.dist-info": all that is in there
  };
  const Site& site(const std::string& dir);
  const std::vector<std::string>& sites_of_prefix(const std::string& dir);
  void add_distribution(const std::string& dir, const std::string& name, Site& site);
  void add_files(const std::string& base, const std::string& list, uint32_t package, Site& site);
  Result<Package> read_identity(const std::string& info) const;
  bool find_in(const Site& site, const std::string& path, Ownership& out) const;
  bool find_in_egg(const std::string& dir, Ownership& out);

  const RootDir& root_;
  Problems& problems_;
  std::map<std::string, Site> sites_;  // also of directories that are none: empty
  std::map<std::string, std::vector<std::string>> prefixes_;
};

}  // namespace fptrace
