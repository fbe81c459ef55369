#pragma once
#include <cstddef>
#include <cstdint>

#include "backends/emu/channel/wire.h"

namespace fptrace::emu {

// Guest RAM: reads by physical address.
class GuestRam {
 public:
  // Before anything else, and once; false: it cannot be mapped.
  bool open(const Wire& wire);
  bool is_open() const { return bytes_ != nullptr; }
  // 0 where there is no RAM.
  uint64_t read_u64(uint64_t paddr) const;
  // False also where there is not so much RAM.
  bool equals(uint64_t paddr, const void* bytes, size_t size) const;
  // The guest goes on to change them; nullptr: not all of it is in RAM.
  const uint8_t* at(uint64_t paddr, uint64_t size) const;

 private:
  const uint8_t* bytes_ = nullptr;
  uint64_t size_ = 0, low_size_ = 0;
};

}  // namespace fptrace::emu
