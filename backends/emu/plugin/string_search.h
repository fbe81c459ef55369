#pragma once
#include <cstddef>
#include <cstdint>

#include "backends/emu/channel/find_wire.h"

namespace fptrace::emu {

// Bytes to be found, and whether one access to memory may have to do with them. Pure: it sees the
// bytes of the access alone, so it answers fast, and what it lets through must be looked at.
class StringSearch {
 public:
  static constexpr int kNone = INT32_MIN;

  // Copies them. False: none, or more than kLongestFind.
  bool set(const uint8_t* bytes, size_t size);

  size_t size() const { return size_; }
  const uint8_t* bytes() const { return bytes_; }

  // Of an access that read or wrote `value`: where the string may begin, in bytes from the access
  // on (negative: before it), the first such place that is not below `from`. Reads must have read
  // the string's last byte, writes any of it. kNone: nowhere.
  int next(const uint8_t* value, size_t value_size, bool write, int from) const;
  int first(const uint8_t* value, size_t value_size, bool write) const;

 private:
  bool agrees(const uint8_t* value, size_t value_size, int at) const;

  uint8_t bytes_[kLongestFind] = {};
  size_t size_ = 0;
  bool has_[256] = {};  // which bytes are in it
};

}  // namespace fptrace::emu
