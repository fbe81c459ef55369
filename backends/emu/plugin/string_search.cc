#include "backends/emu/plugin/string_search.h"

#include <string.h>

namespace fptrace::emu {

bool StringSearch::set(const uint8_t* bytes, size_t size) {
  if (size == 0 || size > kLongestFind) return false;
  memcpy(bytes_, bytes, size);
  size_ = size;
  memset(has_, 0, sizeof has_);
  for (size_t i = 0; i < size; ++i) has_[bytes[i]] = true;
  return true;
}

int StringSearch::first(const uint8_t* value, size_t value_size, bool write) const {
  // Either the string begins before or with the value, whose first byte is in it then, or within.
  if (!has_[value[0]] && !memchr(value + 1, bytes_[0], value_size - 1)) return kNone;
  return next(value, value_size, write, kNone + 1);
}

bool StringSearch::agrees(const uint8_t* value, size_t value_size, int at) const {
  const size_t skip = at < 0 ? size_t(-at) : 0;  // of the string
  const size_t begin = at < 0 ? 0 : size_t(at);  // in the value
  size_t common = value_size - begin;
  if (common > size_ - skip) common = size_ - skip;
  return memcmp(value + begin, bytes_ + skip, common) == 0;
}

int StringSearch::next(const uint8_t* value, size_t value_size, bool write, int from) const {
  const int lowest = 1 - int(size_);
  const int highest = write ? int(value_size) - 1 : int(value_size) - int(size_);
  for (int at = from < lowest ? lowest : from; at <= highest; ++at)
    if (agrees(value, value_size, at)) return at;
  return kNone;
}

}  // namespace fptrace::emu
