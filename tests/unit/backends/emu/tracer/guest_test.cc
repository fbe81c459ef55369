#include "backends/emu/tracer/guest.h"

#include <gtest/gtest.h>

#include "tests/support/fake_task.h"

namespace fptrace::emu {
namespace {

using Args = std::array<uint64_t, 6>;

// Each register holds its own number times 0x1'0000'0011, so that bits above 32 show.
CpuState numbered(uint64_t rax, uint64_t cs) {
  CpuState cpu{};
  for (uint64_t i = 0; i < 16; ++i) cpu.gpr[i] = i * 0x100000011;
  cpu.gpr[kRax] = rax;
  cpu.rip = 0x401000;
  cpu.cs = cs;
  return cpu;
}
constexpr uint64_t kWide = 0x33, kNarrow = 0x23;

TEST(CallOf, SixtyFourBitCode) {
  testing::FakeFileSystem files;
  testing::FakeTask task(files);
  const auto call = call_of(numbered(257, kWide), EntryKind::kSyscall, task);
  EXPECT_EQ(call.abi, Abi::kX86_64);
  EXPECT_EQ(call.nr, 257u);
  const auto reg = [](uint64_t i) { return i * 0x100000011; };
  EXPECT_EQ(call.args, (Args{reg(kRdi), reg(kRsi), reg(kRdx), reg(kR10), reg(kR8), reg(kR9)}));
}

TEST(RegisterOf, AgreesWithCallOf) {
  testing::FakeFileSystem files;
  testing::FakeTask task(files);
  const struct {
    EntryKind entry;
    uint64_t rax, cs;
    uint64_t bits;
  } ways[] = {{EntryKind::kSyscall, 1, kWide, ~uint64_t{0}},
              {EntryKind::kSyscall, 0x40000001, kWide, ~uint64_t{0}},
              {EntryKind::kSyscall, 1, kNarrow, UINT32_MAX},
              {EntryKind::kInt80, 1, kWide, UINT32_MAX},
              {EntryKind::kSysenter, 1, kNarrow, UINT32_MAX}};
  for (const auto& [entry, rax, cs, bits] : ways) {
    const CpuState cpu = numbered(rax, cs);
    const SyscallCall call = call_of(cpu, entry, task);
    for (uint8_t arg = 0; arg < 6; ++arg) {
      const auto gpr = register_of(call.abi, arg);
      if (!gpr) continue;
      EXPECT_EQ(cpu.gpr[*gpr] & bits, call.args[arg]) << int(call.abi) << ' ' << int(arg);
    }
  }
  EXPECT_TRUE(register_of(Abi::kX86_64, 5));
  EXPECT_FALSE(register_of(Abi::kI386, 1));
  EXPECT_FALSE(register_of(Abi::kI386, 5));
}

TEST(CallOf, X32IsToldByTheNumber) {
  testing::FakeFileSystem files;
  testing::FakeTask task(files);
  const auto call = call_of(numbered(0x40000000 | 520, kWide), EntryKind::kSyscall, task);
  EXPECT_EQ(call.abi, Abi::kX32);
  EXPECT_EQ(call.nr, 520u);
}

TEST(CallOf, Int80FromSixtyFourBitCodeIsAnI386Call) {
  testing::FakeFileSystem files;
  testing::FakeTask task(files);
  const auto call = call_of(numbered(0xffffffff00000005, kWide), EntryKind::kInt80, task);
  EXPECT_EQ(call.abi, Abi::kI386);
  EXPECT_EQ(call.nr, 5u);
  const auto low = [](uint64_t i) { return i * 0x11; };
  EXPECT_EQ(call.args, (Args{low(kRbx), low(kRcx), low(kRdx), low(kRsi), low(kRdi), low(kRbp)}));
}

TEST(CallOf, SysenterHasTheSixthArgumentAtEbp) {
  testing::FakeFileSystem files;
  testing::FakeTask task(files);
  auto cpu = numbered(192, kNarrow);
  cpu.gpr[kRbp] = 0x2000;
  task.put_at(0x2000, std::string("\x78\x56\x34\x12", 4));
  const auto call = call_of(cpu, EntryKind::kSysenter, task);
  EXPECT_EQ(call.abi, Abi::kI386);
  EXPECT_EQ(call.args[1], kRcx * 0x11u);
  EXPECT_EQ(call.args[5], 0x12345678u);
}

TEST(CallOf, SyscallOfThirtyTwoBitCodeHasTheSecondArgumentInEbp) {
  testing::FakeFileSystem files;
  testing::FakeTask task(files);
  auto cpu = numbered(192, kNarrow);
  cpu.gpr[kRsp] = 0x3000;
  task.put_at(0x3000, std::string("\x01\x02\x03\x04", 4));
  const auto call = call_of(cpu, EntryKind::kSyscall, task);
  EXPECT_EQ(call.abi, Abi::kI386);
  EXPECT_EQ(call.args[1], kRbp * 0x11u);
  EXPECT_EQ(call.args[5], 0x04030201u);
}

TEST(CallOf, SixthArgumentThatCannotBeReadIsNull) {
  testing::FakeFileSystem files;
  testing::FakeTask task(files);
  EXPECT_EQ(call_of(numbered(192, kNarrow), EntryKind::kSysenter, task).args[5], 0u);
}

TEST(CallOf, SavedRegistersAreThoseOfTheCall) {
  SavedRegisters saved{};
  saved.cs = kWide;
  saved.orig_rax = 56;
  saved.rax = uint64_t(-38);
  saved.rdi = 1;
  saved.r9 = 6;
  const auto call = call_of(saved);
  EXPECT_EQ(call.abi, Abi::kX86_64);
  EXPECT_EQ(call.nr, 56u);
  EXPECT_EQ(call.args, (Args{1, 0, 0, 0, 0, 6}));
}

// The layout of struct pt_regs, arch/x86/include/asm/ptrace.h.
TEST(SavedRegisters, LieAsTheKernelPushesThem) {
  EXPECT_EQ(offsetof(SavedRegisters, rax), 80u);
  EXPECT_EQ(offsetof(SavedRegisters, orig_rax), 120u);
  EXPECT_EQ(offsetof(SavedRegisters, rip), 128u);
  EXPECT_EQ(sizeof(SavedRegisters), 168u);
}

TEST(RegistersOf, AreNumberedAsDwarfDoes) {
  const auto cpu = numbered(0, kWide);
  const Registers wide = registers_of(cpu);
  EXPECT_FALSE(wide.is_i386);
  EXPECT_EQ(wide.value[wide.sp_index()], cpu.gpr[kRsp]);
  EXPECT_EQ(wide.value[wide.frame_pointer_index()], cpu.gpr[kRbp]);
  EXPECT_EQ(wide.value[wide.pc_index()], cpu.rip);
  const Registers narrow = registers_of(numbered(0, kNarrow));
  EXPECT_TRUE(narrow.is_i386);
  EXPECT_EQ(narrow.value[narrow.sp_index()], cpu.gpr[kRsp]);
  EXPECT_EQ(narrow.value[narrow.frame_pointer_index()], cpu.gpr[kRbp]);
  EXPECT_EQ(narrow.value[narrow.pc_index()], cpu.rip);
}

}  // namespace
}  // namespace fptrace::emu
