#include "backends/emu/tracer/guest.h"

#include <cstring>

namespace fptrace::emu {
namespace {

constexpr uint64_t kCodeOfI386 = 0x23, kCodeOf64Bit = 0x33;  // __USER32_CS, __USER_CS
constexpr uint64_t kX32Bit = 0x40000000;
constexpr uint64_t kStackSize = 16384;  // THREAD_SIZE of x86-64 without KASAN

uint64_t low32(uint64_t value) { return uint32_t(value); }

SyscallCall call_of_64(uint64_t nr, std::array<uint64_t, 6> args) {
  // x32 has a bit of its own in a number of 32 bits.
  if (nr & kX32Bit) return {Abi::kX32, nr & ~kX32Bit, args};
  return {Abi::kX86_64, nr, args};
}

uint32_t word_at(TaskView& task, uint64_t addr) {
  uint32_t word = 0;
  return task.read_memory(addr, &word, sizeof word) == sizeof word ? word : 0;
}

}  // namespace

std::optional<SavedRegisters> Guest::saved_registers(uint64_t task) const {
  const uint64_t stack = kernel_.pointer(task, kernel_.layout().task.stack);
  if (stack == 0) return std::nullopt;
  const auto saved = kernel_.value<SavedRegisters>(stack + kStackSize - sizeof(SavedRegisters));
  if (!saved || (saved->cs != kCodeOf64Bit && saved->cs != kCodeOfI386)) return std::nullopt;
  return saved;
}

// Where arguments are: entry_SYSCALL_64, entry_INT80_compat, entry_SYSENTER_compat and
// entry_SYSCALL_compat in arch/x86/entry/.
SyscallCall call_of(const CpuState& cpu, EntryKind entry, TaskView& task) {
  const auto& r = cpu.gpr;
  if (entry == EntryKind::kSyscall && cpu.cs != kCodeOfI386)
    return call_of_64(r[kRax], {r[kRdi], r[kRsi], r[kRdx], r[kR10], r[kR8], r[kR9]});
  uint64_t second = r[kRcx], sixth = r[kRbp];
  if (entry == EntryKind::kSyscall) second = r[kRbp];  // rcx is taken by the instruction
  if (entry == EntryKind::kSyscall) sixth = word_at(task, low32(r[kRsp]));
  if (entry == EntryKind::kSysenter) sixth = word_at(task, low32(r[kRbp]));
  return {Abi::kI386,
          low32(r[kRax]),
          {low32(r[kRbx]), low32(second), low32(r[kRdx]), low32(r[kRsi]), low32(r[kRdi]),
           low32(sixth)}};
}

std::optional<Gpr> register_of(Abi abi, uint8_t arg) {
  constexpr Gpr kOf64[] = {kRdi, kRsi, kRdx, kR10, kR8, kR9};
  if (abi != Abi::kI386) return kOf64[arg];
  constexpr Gpr kOf32[] = {kRbx, kRcx, kRdx, kRsi, kRdi, kRbp};
  if (arg == 1 || arg == 5) return std::nullopt;
  return kOf32[arg];
}

SyscallCall call_of(const SavedRegisters& s) {
  if (s.cs != kCodeOfI386) return call_of_64(s.orig_rax, {s.rdi, s.rsi, s.rdx, s.r10, s.r8, s.r9});
  return {Abi::kI386,
          low32(s.orig_rax),
          {low32(s.rbx), low32(s.rcx), low32(s.rdx), low32(s.rsi), low32(s.rdi), low32(s.rbp)}};
}

Registers registers_of(const CpuState& cpu) {
  const auto& r = cpu.gpr;
  if (cpu.cs == kCodeOfI386)
    return {true,
            {r[kRax], r[kRcx], r[kRdx], r[kRbx], r[kRsp], r[kRbp], r[kRsi], r[kRdi], cpu.rip}};
  return {false,
          {r[kRax], r[kRdx], r[kRcx], r[kRbx], r[kRsi], r[kRdi], r[kRbp], r[kRsp], r[kR8], r[kR9],
           r[kR10], r[kR11], r[kR12], r[kR13], r[kR14], r[kR15], cpu.rip}};
}

}  // namespace fptrace::emu
