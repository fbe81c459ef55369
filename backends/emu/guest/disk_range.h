#pragma once
#include <cstdint>

namespace fptrace::emu {

// A piece of the guest's disk, in bytes.
struct DiskRange {
  uint64_t begin = 0, end = 0;  // exclusive
  bool operator==(const DiskRange&) const = default;
};

}  // namespace fptrace::emu
