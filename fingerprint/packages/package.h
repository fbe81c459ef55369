#pragma once
#include <compare>
#include <string>

namespace fptrace {

// One installed package, as its manager names it.
struct Package {
  std::string manager;  // "dpkg", "rpm", ...
  std::string name;
  std::string version;
  std::string arch;  // the manager's own spelling: "amd64", "x86_64", "all"
  auto operator<=>(const Package&) const = default;
};

}  // namespace fptrace
