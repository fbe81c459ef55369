#include "common/syscall/arguments.h"

#include <algorithm>

namespace fptrace {

MemoryString read_string(TaskView& task, uint64_t addr, size_t most) {
  // Most paths fit into the first piece, and a small one is no cheaper to read.
  constexpr size_t kPiece = 256;
  MemoryString out;
  char piece[4096];
  while (out.text.size() < most) {
    const size_t want = std::min(out.text.empty() ? kPiece : sizeof piece, most - out.text.size());
    const size_t got = task.read_memory(addr + out.text.size(), piece, want);
    const auto* end = static_cast<const char*>(std::memchr(piece, 0, got));
    if (end) {
      out.text.append(piece, size_t(end - piece));
      return out;
    }
    out.text.append(piece, got);
    if (got < want) {
      out.readable = false;
      return out;
    }
  }
  return out;
}

std::optional<uint64_t> read_word(TaskView& task, uint64_t addr, bool narrow) {
  if (narrow) return read_object<uint32_t>(task, addr);
  return read_object<uint64_t>(task, addr);
}

}  // namespace fptrace
