#include "common/unwind/frame_records.h"

#include <cstdint>
#include <cstring>
#include <optional>
#include <unordered_set>

namespace fptrace::unwind {
namespace {

std::optional<uint32_t> word_at(std::string_view bytes, size_t at) {
  uint32_t word = 0;
  if (at > bytes.size() || bytes.size() - at < sizeof word) return std::nullopt;
  std::memcpy(&word, bytes.data() + at, sizeof word);
  return word;
}

}  // namespace

std::string_view sane_records(std::string_view eh_frame) {
  std::unordered_set<size_t> cies;  // where they begin
  size_t at = 0;
  for (;;) {
    const auto length = word_at(eh_frame, at);
    // Zero ends the section. The escape for 64-bit lengths is beyond the limit.
    if (!length || *length == 0 || *length > kMostRecord) break;
    const size_t begin = at, id_at = at + sizeof *length, end = id_at + *length;
    const auto id = word_at(eh_frame, id_at);
    if (!id || *length < sizeof *id || end > eh_frame.size()) break;
    // An FDE has the distance back to its CIE there, a CIE zero.
    if (*id == 0)
      cies.insert(begin);
    else if (*id > id_at || !cies.contains(id_at - *id))
      break;
    at = end;
  }
  return eh_frame.substr(0, at);
}

}  // namespace fptrace::unwind
