#pragma once
#include <string>
#include <vector>

namespace fptrace {

// The names in a directory of this host, sorted, without "." and ".."; none when it cannot be read.
std::vector<std::string> names_in(const std::string& directory);

}  // namespace fptrace
