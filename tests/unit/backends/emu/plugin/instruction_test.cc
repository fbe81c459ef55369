#include "backends/emu/plugin/instruction.h"

#include <capstone/capstone.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace fptrace::emu {
namespace {

struct Row {
  std::string name;
  std::vector<uint8_t> bytes;
  InstructionKind kind;
};
void PrintTo(const Row& row, std::ostream* os) { *os << row.name; }

class Classify : public ::testing::TestWithParam<Row> {};

TEST_P(Classify, KnowsWhatEntersAndLeavesTheKernel) {
  EXPECT_EQ(classify(GetParam().bytes.data(), GetParam().bytes.size()), GetParam().kind);
}

INSTANTIATE_TEST_SUITE_P(
    , Classify,
    ::testing::Values(
        Row{"syscall", {0x0f, 0x05}, InstructionKind::kSyscall},
        Row{"syscall_with_prefixes", {0x66, 0x48, 0x0f, 0x05}, InstructionKind::kSyscall},
        Row{"sysenter", {0x0f, 0x34}, InstructionKind::kSysenter},
        Row{"int80", {0xcd, 0x80}, InstructionKind::kInt80},
        Row{"int3_by_number", {0xcd, 0x03}, InstructionKind::kOther},
        Row{"cpuid", {0x0f, 0xa2}, InstructionKind::kCpuid},
        Row{"sysretq", {0x48, 0x0f, 0x07}, InstructionKind::kSysretq},
        Row{"sysretl", {0x0f, 0x07}, InstructionKind::kSysretl},
        Row{"sysexit", {0x0f, 0x35}, InstructionKind::kSysexit},
        Row{"iretq", {0x48, 0xcf}, InstructionKind::kIret},
        Row{"iret", {0xcf}, InstructionKind::kIret},
        Row{"mov_to_cr3", {0x0f, 0x22, 0xd8}, InstructionKind::kFlush},
        Row{"mov_from_cr3", {0x0f, 0x20, 0xd8}, InstructionKind::kOther},
        Row{"invlpg", {0x0f, 0x01, 0x38}, InstructionKind::kFlush},
        Row{"swapgs", {0x0f, 0x01, 0xf8}, InstructionKind::kOther},
        Row{"sgdt", {0x0f, 0x01, 0x00}, InstructionKind::kOther},
        Row{"invpcid", {0x66, 0x0f, 0x38, 0x82, 0x01}, InstructionKind::kFlush},
        Row{"pshufb", {0x66, 0x0f, 0x38, 0x00, 0xc1}, InstructionKind::kOther},
        Row{"nop", {0x90}, InstructionKind::kOther},
        Row{"inc_eax_of_32_bit_code", {0x40}, InstructionKind::kOther},
        Row{"nothing_but_prefixes", {0x66, 0x66}, InstructionKind::kOther},
        Row{"cut_short", {0x0f}, InstructionKind::kOther},
        Row{"nothing", {}, InstructionKind::kOther}),
    [](const auto& info) { return info.param.name; });

Follows what_follows(const std::vector<uint8_t>& bytes) {
  return emu::what_follows(bytes.data(), bytes.size());
}

TEST(WhatFollows, AlwaysBehindRegisters) {
  const std::vector<uint8_t> all[] = {
      {0x89, 0xd8},                                // mov %ebx,%eax
      {0x48, 0x83, 0xc0, 0x01},                    // add $1,%rax
      {0x66, 0x85, 0xc0},                          // test %ax,%ax
      {0x48, 0x8d, 0x44, 0x24, 0x08},              // lea 8(%rsp),%rax
      {0x0f, 0xb6, 0xc0},                          // movzx %al,%eax
      {0x74, 0x05},                                // je
      {0x0f, 0x1f, 0x44, 0x00, 0x00},              // nop 0(%rax,%rax)
      {0xf3, 0x0f, 0x1e, 0xfa},                    // endbr64
      {0x48, 0xc7, 0xc0, 0x01, 0x00, 0x00, 0x00},  // mov $1,%rax
      {0xf6, 0xc1, 0x08},                          // test $8,%cl
      {0x48, 0xf7, 0xd8},                          // neg %rax
      {0xff, 0xc0},                                // inc %eax
  };
  for (const auto& bytes : all) EXPECT_EQ(what_follows(bytes), Follows::kAlways) << int(bytes[0]);
}

TEST(WhatFollows, InTheKernelBehindItsOwnMemory) {
  const std::vector<uint8_t> all[] = {
      {0x55},                                               // push %rbp
      {0x41, 0x5f},                                         // pop %r15
      {0x6a, 0x00},                                         // push $0
      {0x48, 0x89, 0x44, 0x24, 0x08},                       // mov %rax,8(%rsp)
      {0x48, 0x8b, 0x84, 0xc4, 0x80, 0, 0, 0},              // mov 128(%rsp,%rax,8),%rax
      {0xc7, 0x04, 0x24, 1, 0, 0, 0},                       // movl $1,(%rsp)
      {0x8b, 0x05, 0x10, 0x20, 0, 0},                       // mov 0x2010(%rip),%eax
      {0xf0, 0x0f, 0xc1, 0x05, 0x10, 0x20, 0, 0},           // lock xadd %eax,0x2010(%rip)
      {0x65, 0x48, 0x8b, 0x04, 0x25, 0x80, 0xfc, 0x01, 0},  // mov %gs:0x1fc80,%rax
      {0x65, 0x48, 0x03, 0x0d, 0x10, 0x20, 0, 0},           // add %gs:0x2010(%rip),%rcx
      {0x65, 0xff, 0x07},                                   // incl %gs:(%rdi)
  };
  for (const auto& bytes : all) EXPECT_EQ(what_follows(bytes), Follows::kInKernel) << int(bytes[0]);
}

TEST(WhatFollows, PerhapsBehindAnythingElse) {
  const std::vector<uint8_t> all[] = {
      {0x8b, 0x00},                          // mov (%rax),%eax
      {0x48, 0x01, 0x03},                    // add %rax,(%rbx)
      {0x41, 0x8b, 0x04, 0x24},              // mov (%r12),%eax
      {0x48, 0x89, 0x45, 0xf8},              // mov %rax,-8(%rbp)
      {0x8b, 0x04, 0x85, 0x00, 0x10, 0, 0},  // mov 0x1000(,%rax,4),%eax
      {0x67, 0x8b, 0x04, 0x24},              // mov (%esp),%eax
      {0x64, 0x8b, 0x04, 0x24},              // mov %fs:(%rsp),%eax
      {0xff, 0x34, 0x24},                    // push (%rsp)
      {0x8f, 0x00},                          // pop (%rax)
      {0xc9},                                // leave
      {0xc3},                                // ret
      {0xc7, 0xf8, 0x10, 0, 0, 0},           // xbegin
      {0xff, 0xd0},                          // call *%rax
      {0x0f, 0xba, 0xc0, 0x01},              // not in use
      {0xf7, 0xf1},                          // div %ecx
      {0xec},                                // in (%dx),%al
      {0x0f, 0x05},                          // syscall
      {0x0f, 0x31},                          // rdtsc
      {0x0f, 0x0b},                          // ud2
      {0x89},
      {0x0f},
      {0x66},
      {},
  };
  for (const auto& bytes : all)
    EXPECT_EQ(what_follows(bytes), Follows::kPerhaps) << (bytes.empty() ? -1 : int(bytes[0]));
}

bool leaves_its_block(csh capstone, const cs_insn& instruction) {
  for (const unsigned group : {CS_GRP_CALL, CS_GRP_RET, CS_GRP_INT, CS_GRP_IRET, CS_GRP_PRIVILEGE})
    if (cs_insn_group(capstone, &instruction, group)) return true;
  constexpr unsigned kOthers[] = {X86_INS_DIV, X86_INS_IDIV, X86_INS_UD2};
  return std::find(std::begin(kOthers), std::end(kOthers), instruction.id) != std::end(kOthers);
}

bool is_kernels_own(const x86_op_mem& memory) {
  return memory.segment == X86_REG_GS ||
         (memory.segment != X86_REG_FS &&
          (memory.base == X86_REG_RSP || memory.base == X86_REG_RIP));
}

// What Capstone knows of its accesses to memory.
Follows by_accesses(const cs_insn& instruction) {
  if (instruction.id == X86_INS_LEA || instruction.id == X86_INS_NOP) return Follows::kAlways;
  const cs_x86& x86 = instruction.detail->x86;
  constexpr unsigned kStack[] = {X86_INS_PUSH, X86_INS_POP, X86_INS_PUSHF, X86_INS_PUSHFQ,
                                 X86_INS_PUSHFD};
  const bool stack =
      std::find(std::begin(kStack), std::end(kStack), instruction.id) != std::end(kStack);
  Follows result = stack ? Follows::kInKernel : Follows::kAlways;
  for (const cs_x86_op* operand = x86.operands; operand < x86.operands + x86.op_count; ++operand)
    if (operand->type == X86_OP_MEM)
      result =
          std::min(result, is_kernels_own(operand->mem) ? Follows::kInKernel : Follows::kPerhaps);
  return result;
}

TEST(WhatFollows, PromisesNoMoreThanADisassemblerKnows) {
  for (const cs_mode mode : {CS_MODE_64, CS_MODE_32}) {
    csh capstone = 0;
    ASSERT_EQ(cs_open(CS_ARCH_X86, mode, &capstone), CS_ERR_OK);
    cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON);
    cs_insn* const instruction = cs_malloc(capstone);
    std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
    int always = 0, in_kernel = 0;
    for (int i = 0; i < 400'000; ++i) {
      uint8_t bytes[15];
      for (uint8_t& byte : bytes) byte = uint8_t(random());
      if (i % 2 == 0) bytes[0] = 0x0f;  // half of them from the second table
      const uint8_t* code = bytes;
      size_t size = sizeof bytes;
      uint64_t address = 0;
      if (!cs_disasm_iter(capstone, &code, &size, &address, instruction)) continue;
      const Follows follows = emu::what_follows(bytes, instruction->size);
      if (follows == Follows::kPerhaps) continue;
      if (follows == Follows::kInKernel && mode == CS_MODE_32) continue;  // the kernel has none
      ++(follows == Follows::kAlways ? always : in_kernel);
      EXPECT_FALSE(leaves_its_block(capstone, *instruction)) << instruction->mnemonic;
      EXPECT_LE(follows, by_accesses(*instruction))
          << instruction->mnemonic << ' ' << instruction->op_str;
    }
    EXPECT_GT(always, 20'000);
    EXPECT_GT(in_kernel, mode == CS_MODE_64 ? 5'000 : -1);
    cs_free(instruction, 1);
    cs_close(&capstone);
  }
}

}  // namespace
}  // namespace fptrace::emu
