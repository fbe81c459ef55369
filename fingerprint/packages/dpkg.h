#pragma once
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/packages/owner_source.h"
#include "fingerprint/packages/path_table.h"
#include "fingerprint/packages/root_dir.h"
#include "fingerprint/packages/usr_aliases.h"

namespace fptrace {

// One stanza of /var/lib/dpkg/status.
struct DpkgStatus {
  Package package;
  std::string state;                   // "installed", "config-files", ...; empty when not said
  std::vector<std::string> conffiles;  // paths
  bool operator==(const DpkgStatus&) const = default;
};
// One entry of /var/lib/dpkg/diversions: what other packages ship as `from` is put at `to`.
struct DpkgDiversion {
  std::string from, to;
  std::string by;  // package whose own `from` stays; ":" a local diversion, nobody's
  bool operator==(const DpkgDiversion&) const = default;
};

// Pure. Errors name the 1-based line.
Result<std::vector<DpkgStatus>> parse_dpkg_status(std::string_view text);
Result<std::vector<DpkgDiversion>> parse_dpkg_diversions(std::string_view text);

// Who owns which file, from dpkg's database as it lies on disk (/var/lib/dpkg; status.d of images
// without dpkg; ucf's registry of configuration files): read once, no process started.
class DpkgDatabase : public OwnerSource {
 public:
  // A root without a dpkg database is an empty one, not an error. What a part of it that cannot be
  // read says is missing, and told in `problems`.
  static Result<DpkgDatabase> read(const RootDir& root, Problems& problems);

  // All packages that ship the file, of this system's architecture first; usually one. Both
  // spellings of a merged /usr are looked up, and diversions are followed.
  Ownership find(const std::string& path) override;
  bool empty() const { return packages_.empty(); }
  // Of the packages that this system is made for, "amd64"; empty when not known.
  const std::string& native_arch() const { return native_arch_; }

 private:
  Result<void> read_status(const RootDir& root, Problems& problems);
  Result<void> read_lists(const RootDir& root, Problems& problems);
  void read_image_status(const RootDir& root, Problems& problems);
  void read_diversions(const RootDir& root, Problems& problems);
  void read_ucf(const RootDir& root, Problems& problems);
  uint32_t add_package(DpkgStatus status);
  void drop_diverted(const std::vector<std::string>& names, std::vector<uint32_t>& found) const;
  void add_diverted(const PathTable& table, const std::vector<std::string>& names,
                    std::vector<uint32_t>& found) const;
  std::vector<uint32_t> lookup(const PathTable& table, const std::string& path) const;

  std::vector<Package> packages_;
  std::unordered_map<std::string, uint32_t> by_list_name_;  // "libc6:amd64", "coreutils"
  PathTable files_, conffiles_;
  std::vector<DpkgDiversion> diversions_;
  UsrAliases aliases_;
  std::string native_arch_;
};

}  // namespace fptrace
