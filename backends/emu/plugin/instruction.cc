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
  bool wide;  // REX.W
};
// In 32-bit code a REX is an instruction of its own, and then nothing follows.
Prefixes prefixes_of(const uint8_t* bytes, size_t size) {
  Prefixes all{0, false};
  while (all.size < size && is_legacy_prefix(bytes[all.size])) ++all.size;
  for (; all.size < size && is_rex(bytes[all.size]); ++all.size)
    all.wide = (bytes[all.size] & 8) != 0;
  return all;
}

// Where an operation's operands are, by its opcode.
enum class Operands : uint8_t {
  kElsewhere,  // or it may raise an exception, or is rare
  kInRegisters,
  kByModrm,  // in registers, if the byte behind the opcode names no memory
};
using OperandsOf = std::array<Operands, 256>;
struct Opcodes {
  uint8_t first, last;
  Operands operands;
};

template <size_t N>
constexpr OperandsOf table(const Opcodes (&all)[N]) {
  OperandsOf of{};
  for (const auto& [first, last, operands] : all)
    for (size_t opcode = first; opcode <= last; ++opcode) of[opcode] = operands;
  return of;
}

using enum Operands;
constexpr OperandsOf kOneByte = table({
    {0x00, 0x03, kByModrm},     {0x04, 0x05, kInRegisters},  // add
    {0x08, 0x0b, kByModrm},     {0x0c, 0x0d, kInRegisters},  // or
    {0x10, 0x13, kByModrm},     {0x14, 0x15, kInRegisters},  // adc
    {0x18, 0x1b, kByModrm},     {0x1c, 0x1d, kInRegisters},  // sbb
    {0x20, 0x23, kByModrm},     {0x24, 0x25, kInRegisters},  // and
    {0x28, 0x2b, kByModrm},     {0x2c, 0x2d, kInRegisters},  // sub
    {0x30, 0x33, kByModrm},     {0x34, 0x35, kInRegisters},  // xor
    {0x38, 0x3b, kByModrm},     {0x3c, 0x3d, kInRegisters},  // cmp
    {0x63, 0x63, kByModrm},                                  // movsxd
    {0x69, 0x69, kByModrm},                                  // imul
    {0x6b, 0x6b, kByModrm},                                  // imul
    {0x70, 0x7f, kInRegisters},                              // jcc
    {0x80, 0x81, kByModrm},                                  // add to cmp
    {0x83, 0x83, kByModrm},                                  // add to cmp
    {0x84, 0x85, kByModrm},                                  // test
    {0x88, 0x8b, kByModrm},                                  // mov
    {0x8d, 0x8d, kInRegisters},                              // lea
    {0x90, 0x90, kInRegisters},                              // nop
    {0x98, 0x99, kInRegisters},                              // cbw, cwd
    {0xa8, 0xa9, kInRegisters},                              // test
    {0xb0, 0xbf, kInRegisters},                              // mov
    {0xc0, 0xc1, kByModrm},                                  // shifts
    {0xd0, 0xd3, kByModrm},                                  // shifts
    {0xe9, 0xe9, kInRegisters},                              // jmp
    {0xeb, 0xeb, kInRegisters},                              // jmp
});
constexpr OperandsOf kTwoBytes = table({
    {0x1e, 0x1f, kInRegisters},  // endbr, nop
    {0x40, 0x4f, kByModrm},      // cmov
    {0x80, 0x8f, kInRegisters},  // jcc
    {0x90, 0x9f, kByModrm},      // setcc
    {0xaf, 0xaf, kByModrm},      // imul
    {0xb6, 0xb7, kByModrm},      // movzx
    {0xbe, 0xbf, kByModrm},      // movsx
    {0xc8, 0xcf, kInRegisters},  // bswap
});

}  // namespace

bool is_of_registers_only(const uint8_t* bytes, size_t size) {
  size_t at = prefixes_of(bytes, size).size;
  if (at == size) return false;
  const bool is_long = bytes[at] == 0x0f;
  at += is_long;
  if (at == size) return false;
  const Operands operands = (is_long ? kTwoBytes : kOneByte)[bytes[at]];
  if (operands != Operands::kByModrm) return operands == Operands::kInRegisters;
  return at + 1 < size && bytes[at + 1] >> 6 == 3;
}

InstructionKind classify(const uint8_t* bytes, size_t size) {
  const auto [at, wide] = prefixes_of(bytes, size);
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
      return wide ? InstructionKind::kSysretq : InstructionKind::kSysretl;
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
