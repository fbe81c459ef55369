#pragma once
#include <string>

#include "common/base/result.h"

namespace fptrace {

// The whole of a file whose size the kernel does not say (procfs).
Result<std::string> read_text_file(const std::string& path);

}  // namespace fptrace
