#pragma once
#include <string>
#include <vector>

#include "common/base/result.h"

namespace fptrace {

// What procfs lists by number: processes (/proc), threads (task), descriptors (fd). In rising
// order; other names are left out. An error only when the directory cannot be opened: of a process
// that ends meanwhile some may be missing.
Result<std::vector<int>> numbers_in(const std::string& directory);

}  // namespace fptrace
