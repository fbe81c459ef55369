#pragma once
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "common/syscall/decoder.h"

namespace fptrace {

// A string in a task's memory.
struct MemoryString {
  std::string text;
  bool readable = true;  // false: the kernel will find no terminated string there either (EFAULT)
};

// The terminated string at `addr`. Where `most` bytes hold no terminator, they are the text.
MemoryString read_string(TaskView& task, uint64_t addr, size_t most);

// The object at `addr`; nullopt when not all of it can be read.
template <class T>
std::optional<T> read_object(TaskView& task, uint64_t addr) {
  T object;
  if (task.read_memory(addr, &object, sizeof object) != sizeof object) return std::nullopt;
  return object;
}

// A call's arguments as its interface defines them: i386 has registers of 32 bits, and both i386
// and x32 lay out structures in memory with pointers and longs of 32 bits.
class Arguments {
 public:
  explicit Arguments(const SyscallCall& call) : call_(call) {}

  uint32_t u32(int i) const { return uint32_t(call_.args[size_t(i)]); }
  int32_t i32(int i) const { return int32_t(u32(i)); }
  // A pointer, or another value as wide as a register.
  uint64_t word(int i) const { return call_.abi == Abi::kI386 ? u32(i) : call_.args[size_t(i)]; }
  bool narrow() const { return call_.abi != Abi::kX86_64; }
  Abi abi() const { return call_.abi; }

 private:
  const SyscallCall& call_;
};

// A pointer or long within a structure in memory of that interface.
std::optional<uint64_t> read_word(TaskView& task, uint64_t addr, bool narrow);

}  // namespace fptrace
