#pragma once
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/packages/package.h"

namespace fptrace {

// One stanza of /var/lib/dpkg/status.
struct DpkgStatus {
  Package package;
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

// Who owns which file, from dpkg's database as it lies on disk: read once, no process started.
class DpkgDatabase {
 public:
  // `root` "" is this host. A root without a dpkg database is an empty one, not an error.
  static Result<DpkgDatabase> read(const std::string& root);

  // All packages that ship the file at this canonical path, sorted; usually one. Both spellings of
  // a merged /usr are looked up, and diversions are followed.
  std::vector<Package> owners(const std::string& path) const;
  bool empty() const { return packages_.empty(); }
  // Of the packages that this system is made for, "amd64"; empty when not known.
  const std::string& native_arch() const { return native_arch_; }

 private:
  Result<void> read_status(const std::string& dir);
  Result<void> read_lists(const std::string& dir);
  void find_merged(const std::string& root);
  void add_owner(std::string_view path, uint32_t package);
  void owners_as_listed(const std::string& path, std::vector<uint32_t>& out) const;
  std::vector<std::string> spellings(const std::string& path) const;

  std::vector<Package> packages_;
  std::unordered_map<std::string, uint32_t> by_list_name_;  // "libc6:amd64", "coreutils"
  // The texts own the paths that owners_ refers to.
  std::deque<std::string> texts_;
  std::unordered_map<std::string_view, uint32_t> owners_;
  std::unordered_multimap<std::string_view, uint32_t> more_owners_;
  std::vector<DpkgDiversion> diversions_;
  std::vector<std::string> merged_;  // "bin", "lib", ...: /X is a link to /usr/X
  std::string native_arch_;
};

}  // namespace fptrace
