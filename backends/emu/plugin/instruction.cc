#include "backends/emu/plugin/instruction.h"

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

}  // namespace

InstructionKind classify(const uint8_t* bytes, size_t size) {
  size_t at = 0;
  while (at < size && is_legacy_prefix(bytes[at])) ++at;
  // In 32-bit code these bytes are instructions of their own, and then nothing follows.
  bool wide = false;
  for (; at < size && is_rex(bytes[at]); ++at) wide = (bytes[at] & 8) != 0;
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
