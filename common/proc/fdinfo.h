#pragma once
#include <cstdint>
#include <string_view>

#include "common/base/result.h"

namespace fptrace {

// The lines of /proc/PID/fdinfo/N that every kind of file has (proc(5)).
struct FdInfo {
  uint64_t pos = 0;
  uint32_t flags = 0;  // O_* (the file prints them in octal)
  bool operator==(const FdInfo&) const = default;
};

// Pure. Errors name the 1-based line.
Result<FdInfo> parse_fdinfo(std::string_view text);

}  // namespace fptrace
