#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fingerprint/packages/root_dir.h"

namespace fptrace {

// Directories of a system that are links to others, as a merged /usr makes them. Packages list
// their files by either spelling, whatever the system has; traces have the canonical one.
class UsrAliases {
 public:
  static UsrAliases read(const RootDir& root);
  explicit UsrAliases(std::vector<std::pair<std::string, std::string>> links = {})
      : links_(std::move(links)) {}

  // Every spelling of an absolute path, itself first.
  std::vector<std::string> spellings(const std::string& path) const;

 private:
  std::vector<std::pair<std::string, std::string>> links_;  // "/bin", "/usr/bin"
};

}  // namespace fptrace
