#pragma once
#include <cstdint>

// How programs in the guest talk to whoever looks into the machine: cpuid with kMarkerLeaf in EAX
// and one of these in ECX. On a machine that nobody looks into it is any other cpuid. Every program
// can execute it, so who believes it asks who it was.

namespace fptrace::emu {

inline constexpr uint32_t kMarkerLeaf = 0x46505452;  // "FPTR"

// Operands: RBX, RDX, RSI and RDI, in this order; the host acts on them.
enum class Marker : uint32_t {
  // Of our init only.
  kProgramBegins = 1,  // the child's last act before it executes the program; EBX: its pid
  kProgramEnded = 2,   // and all its processes; EBX: the program's wait status
  // Address, size and offset in the stream of bytes that are about to go to the program's standard
  // input. Each byte once, in order.
  kStdinBytes = 20,

  // Of any program, while labels are followed.
  kLabel = 16,          // address, size, first label, step
  kQuery = 17,          // address, size
  kLabelRegister = 18,  // register, bytes, first label, step
  kQueryRegister = 19,  // register
};

// Registers as 64-bit values, so that an address fits.
inline void mark(Marker what, uint64_t b, uint64_t d = 0, uint64_t si = 0) {
  uint64_t a = kMarkerLeaf, c = uint64_t(what);
  asm volatile("cpuid" : "+a"(a), "+b"(b), "+c"(c), "+d"(d) : "S"(si) : "memory");
}

}  // namespace fptrace::emu
