#include "backends/emu/plugin/instruction.h"

#include <array>

// Encodings: AMD64 Architecture Programmer's Manual, volume 3.

namespace fptrace::emu {
namespace {

bool is_legacy_prefix(uint8_t byte) {
  switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3:
      return true;
    default:
      return false;
  }
}
// invlpg; with a register as its operand the same opcode is others.
bool is_invlpg(uint8_t modrm) { return (modrm >> 3 & 7) == 7 && modrm >> 6 != 3; }
bool is_rex(uint8_t byte) { return (byte & 0xf0) == 0x40; }

struct Prefixes {
  size_t size;
  bool wide;           // REX.W
  bool extended_base;  // REX.B
  bool gs, other_segment;
  bool narrow_address;
};
// In 32-bit code a REX is an instruction of its own, and then nothing follows.
Prefixes prefixes_of(const uint8_t* bytes, size_t size) {
  Prefixes all{};
  for (; all.size < size && is_legacy_prefix(bytes[all.size]); ++all.size) {
    const uint8_t prefix = bytes[all.size];
    all.gs = all.gs || prefix == 0x65;
    all.other_segment = all.other_segment || prefix == 0x64 || (prefix & 0xe7) == 0x26;
    all.narrow_address = all.narrow_address || prefix == 0x67;
  }
  for (; all.size < size && is_rex(bytes[all.size]); ++all.size) {
    all.wide = (bytes[all.size] & 8) != 0;
    all.extended_base = (bytes[all.size] & 1) != 0;
  }
  return all;
}

// Where an operation's operands are, by its opcode.
enum class Operands : uint8_t {
  kElsewhere,  // or it may raise an exception, or is rare
  kInRegisters,
  kOnStack,
  kByModrm,  // in registers, or one in memory: the byte behind the opcode tells
};
struct Operation {
  Operands operands = Operands::kElsewhere;
  uint8_t extensions = 0;  // kByModrm: bit n, if it holds where the middle of that byte is n
};
using Operations = std::array<Operation, 256>;
struct Opcodes {
  uint8_t first, last;
  Operands operands;
  uint8_t extensions = 0xff;
};

template <size_t N>
constexpr Operations table(const Opcodes (&all)[N]) {
  Operations of{};
  for (const auto& [first, last, operands, extensions] : all)
    for (size_t opcode = first; opcode <= last; ++opcode) of[opcode] = {operands, extensions};
  return of;
}

using enum Operands;
constexpr Operations kOneByte = table({
    {0x00, 0x03, kByModrm},
    {0x04, 0x05, kInRegisters},  // add
    {0x08, 0x0b, kByModrm},
    {0x0c, 0x0d, kInRegisters},  // or
    {0x10, 0x13, kByModrm},
    {0x14, 0x15, kInRegisters},  // adc
    {0x18, 0x1b, kByModrm},
    {0x1c, 0x1d, kInRegisters},  // sbb
    {0x20, 0x23, kByModrm},
    {0x24, 0x25, kInRegisters},  // and
    {0x28, 0x2b, kByModrm},
    {0x2c, 0x2d, kInRegisters},  // sub
    {0x30, 0x33, kByModrm},
    {0x34, 0x35, kInRegisters},  // xor
    {0x38, 0x3b, kByModrm},
    {0x3c, 0x3d, kInRegisters},                        // cmp
    {0x50, 0x5f, kOnStack},                            // push, pop
    {0x63, 0x63, kByModrm},                            // movsxd
    {0x68, 0x68, kOnStack},                            // push
    {0x69, 0x69, kByModrm},                            // imul
    {0x6a, 0x6a, kOnStack},                            // push
    {0x6b, 0x6b, kByModrm},                            // imul
    {0x70, 0x7f, kInRegisters},                        // jcc
    {0x80, 0x81, kByModrm},                            // add to cmp
    {0x83, 0x83, kByModrm},                            // add to cmp
    {0x84, 0x85, kByModrm},                            // test
    {0x86, 0x87, kByModrm},                            // xchg
    {0x88, 0x8b, kByModrm},                            // mov
    {0x8d, 0x8d, kInRegisters},                        // lea
    {0x90, 0x90, kInRegisters},                        // nop
    {0x98, 0x99, kInRegisters},                        // cbw, cwd
    {0x9c, 0x9c, kOnStack},                            // pushf
    {0xa8, 0xa9, kInRegisters},                        // test
    {0xb0, 0xbf, kInRegisters},                        // mov
    {0xc0, 0xc1, kByModrm},                            // shifts
    {0xc6, 0xc7, kByModrm, 1 << 0},                    // mov
    {0xd0, 0xd3, kByModrm},                            // shifts
    {0xe9, 0xe9, kInRegisters},                        // jmp
    {0xeb, 0xeb, kInRegisters},                        // jmp
    {0xf6, 0xf7, kByModrm, 1 << 0 | 1 << 2 | 1 << 3},  // test, not, neg
    {0xfe, 0xff, kByModrm, 1 << 0 | 1 << 1},           // inc, dec
});
constexpr Operations kTwoBytes = table({
    {0x1e, 0x1f, kInRegisters},    // endbr, nop
    {0x40, 0x4f, kByModrm},        // cmov
    {0x80, 0x8f, kInRegisters},    // jcc
    {0x90, 0x9f, kByModrm},        // setcc
    {0xaf, 0xaf, kByModrm},        // imul
    {0xb0, 0xb1, kByModrm},        // cmpxchg
    {0xb6, 0xb7, kByModrm},        // movzx
    {0xba, 0xba, kByModrm, 0xf0},  // bt, bts, btr, btc
    {0xbe, 0xbf, kByModrm},        // movsx
    {0xc0, 0xc1, kByModrm},        // xadd
    {0xc8, 0xcf, kInRegisters},    // bswap
});

// What a ModRM byte names in memory, by the bytes behind it.
bool is_kernels_own(const Prefixes& prefixes, uint8_t modrm, uint8_t sib) {
  constexpr uint8_t kRipRelative = 5, kSib = 4, kRsp = 4;
  if (prefixes.other_segment || prefixes.narrow_address) return false;
  if (prefixes.gs) return true;
  if (modrm >> 6 == 0 && (modrm & 7) == kRipRelative) return true;
  return (modrm & 7) == kSib && (sib & 7) == kRsp && !prefixes.extended_base;
}

}  // namespace

Follows what_follows(const uint8_t* bytes, size_t size) {
  const Prefixes prefixes = prefixes_of(bytes, size);
  const auto byte = [=](size_t at) { return at < size ? bytes[at] : uint8_t{0}; };
  const bool is_long = byte(prefixes.size) == 0x0f;
  const size_t at = prefixes.size + is_long;
  if (at >= size) return Follows::kPerhaps;
  const auto [operands, extensions] = (is_long ? kTwoBytes : kOneByte)[bytes[at]];
  if (operands == kElsewhere) return Follows::kPerhaps;
  if (operands == kInRegisters) return Follows::kAlways;
  if (operands == kOnStack) return Follows::kInKernel;
  if (at + 1 >= size) return Follows::kPerhaps;
  const uint8_t modrm = bytes[at + 1];
  if ((extensions >> (modrm >> 3 & 7) & 1) == 0) return Follows::kPerhaps;
  if (modrm >> 6 == 3) return Follows::kAlways;
  return is_kernels_own(prefixes, modrm, byte(at + 2)) ? Follows::kInKernel : Follows::kPerhaps;
}

InstructionKind classify(const uint8_t* bytes, size_t size) {
  const Prefixes prefixes = prefixes_of(bytes, size);
  const size_t at = prefixes.size;
  if (at == size) return InstructionKind::kOther;
  if (bytes[at] == 0xcf) return InstructionKind::kIret;
  if (size - at < 2) return InstructionKind::kOther;
  if (bytes[at] == 0xcd)
    return bytes[at + 1] == 0x80 ? InstructionKind::kInt80 : InstructionKind::kOther;
  if (bytes[at] != 0x0f) return InstructionKind::kOther;
  const uint8_t third = at + 2 < size ? bytes[at + 2] : 0;
  switch (bytes[at + 1]) {
    case 0x01:
      return at + 2 < size && is_invlpg(third) ? InstructionKind::kFlush : InstructionKind::kOther;
    case 0x22:
      return InstructionKind::kFlush;
    case 0x38:
      return third == 0x82 ? InstructionKind::kFlush : InstructionKind::kOther;
    case 0x05:
      return InstructionKind::kSyscall;
    case 0x07:
      return prefixes.wide ? InstructionKind::kSysretq : InstructionKind::kSysretl;
    case 0x34:
      return InstructionKind::kSysenter;
    case 0x35:
      return InstructionKind::kSysexit;
    case 0xa2:
      return InstructionKind::kCpuid;
    default:
      return InstructionKind::kOther;
  }
}

}  // namespace fptrace::emu
