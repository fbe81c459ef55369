#pragma once
#include <cstdint>

namespace fptrace {

// The system call interfaces of an x86-64 kernel. A 64-bit program may use each of them.
enum class Abi : uint8_t { kX86_64, kI386, kX32 };

}  // namespace fptrace
