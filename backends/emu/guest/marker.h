#pragma once
#include <cstdint>

// How programs in the guest talk to whoever looks into the machine: cpuid with kMarkerLeaf in EAX
// and one of these in ECX. On a machine that nobody looks into it is any other cpuid. Every program
// can execute it, so who believes it asks who it was.

namespace fptrace::emu {

inline constexpr uint32_t kMarkerLeaf = 0x46505452;  // "FPTR"

enum class Marker : uint32_t {
  // Of our init only.
  kProgramBegins = 1,  // the child's last act before it executes the program; EBX: its pid
  kProgramEnded = 2,   // and all its processes; EBX: the program's wait status
  // What RBX points at, RDX bytes, is about to go to the program's standard input, and has the
  // offset RSI in it, from 0. Each byte once, in order.
  kStdinBytes = 20,

  // Of programs that test taint: RBX is the address, RDX the size, RSI the label's number.
  kLabel = 16,
  kQuery = 17,
  kLabelRegister = 18,
  kQueryRegister = 19,
};

// Registers as 64-bit values, so that an address fits.
inline void mark(Marker what, uint64_t b, uint64_t d = 0, uint64_t si = 0) {
  uint64_t a = kMarkerLeaf, c = uint64_t(what);
  asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d) : "S"(si) : "memory");
}

}  // namespace fptrace::emu
