#pragma once
#include <cstdint>

namespace fptrace::emu::taint {

// A load or store as the emulator reports it, in program order. One instruction's may come in any
// number of pieces.
struct Access {
  static constexpr uint64_t kPageSize = 4096;
  static constexpr uint32_t kMostBytes = 16;

  uint64_t vaddr;
  uint64_t paddr;   // of the first byte
  uint64_t paddr2;  // of the first byte on the next page, when bytes_on_next_page() is not 0
  uint8_t value[kMostBytes];
  uint16_t instruction;  // which one of the block, from 0
  uint8_t size;          // 1 to kMostBytes
  uint8_t is_store;

  uint32_t bytes_on_next_page() const {
    const uint64_t end = (paddr & (kPageSize - 1)) + size;
    return end > kPageSize ? uint32_t(end - kPageSize) : 0;
  }
};

}  // namespace fptrace::emu::taint
