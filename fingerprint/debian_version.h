#pragma once
#include <compare>
#include <string_view>

namespace fptrace {

// Which of two Debian package versions is the newer one (Debian Policy 5.6.12). Pure and total:
// a string that is no version compares as if it were one. "1.0" and "1.0-0" are equivalent.
std::weak_ordering compare_debian_versions(std::string_view a, std::string_view b);

}  // namespace fptrace
