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

bool is_of_registers_only(const std::vector<uint8_t>& bytes) {
  return emu::is_of_registers_only(bytes.data(), bytes.size());
}

TEST(OfRegistersOnly, KnowsWhatThereIsMostOf) {
  EXPECT_TRUE(is_of_registers_only({0x89, 0xd8}));                    // mov %ebx,%eax
  EXPECT_TRUE(is_of_registers_only({0x48, 0x83, 0xc0, 0x01}));        // add $1,%rax
  EXPECT_TRUE(is_of_registers_only({0x66, 0x85, 0xc0}));              // test %ax,%ax
  EXPECT_TRUE(is_of_registers_only({0x48, 0x8d, 0x44, 0x24, 0x08}));  // lea 8(%rsp),%rax
  EXPECT_TRUE(is_of_registers_only({0x0f, 0xb6, 0xc0}));              // movzx %al,%eax
  EXPECT_TRUE(is_of_registers_only({0x74, 0x05}));                    // je
  EXPECT_TRUE(is_of_registers_only({0x0f, 0x1f, 0x44, 0x00, 0x00}));  // nop 0(%rax,%rax)
  EXPECT_TRUE(is_of_registers_only({0xf3, 0x0f, 0x1e, 0xfa}));        // endbr64
}

TEST(OfRegistersOnly, LeavesOutWhatMayNotBeFollowedByTheNextOne) {
  EXPECT_FALSE(is_of_registers_only({0x8b, 0x00}));        // mov (%rax),%eax
  EXPECT_FALSE(is_of_registers_only({0x48, 0x01, 0x03}));  // add %rax,(%rbx)
  EXPECT_FALSE(is_of_registers_only({0x55}));              // push %rbp
  EXPECT_FALSE(is_of_registers_only({0xc3}));              // ret
  EXPECT_FALSE(is_of_registers_only({0xf7, 0xf1}));        // div %ecx
  EXPECT_FALSE(is_of_registers_only({0xec}));              // in (%dx),%al
  EXPECT_FALSE(is_of_registers_only({0x0f, 0x05}));        // syscall
  EXPECT_FALSE(is_of_registers_only({0x0f, 0x31}));        // rdtsc
  EXPECT_FALSE(is_of_registers_only({0x0f, 0x0b}));        // ud2
  EXPECT_FALSE(is_of_registers_only({0x89}));
  EXPECT_FALSE(is_of_registers_only({0x0f}));
  EXPECT_FALSE(is_of_registers_only({0x66}));
  EXPECT_FALSE(is_of_registers_only({}));
}

// Whether Capstone knows an operand in memory that is accessed, a stack, or a reason to stop.
bool may_leave_its_block(csh capstone, const cs_insn& instruction) {
  for (const unsigned group : {CS_GRP_CALL, CS_GRP_RET, CS_GRP_INT, CS_GRP_IRET, CS_GRP_PRIVILEGE})
    if (cs_insn_group(capstone, &instruction, group)) return true;
  constexpr unsigned kOthers[] = {X86_INS_DIV, X86_INS_IDIV, X86_INS_PUSH, X86_INS_POP,
                                  X86_INS_UD2};
  if (std::find(std::begin(kOthers), std::end(kOthers), instruction.id) != std::end(kOthers))
    return true;
  if (instruction.id == X86_INS_LEA || instruction.id == X86_INS_NOP) return false;
  const cs_x86& x86 = instruction.detail->x86;
  return std::any_of(x86.operands, x86.operands + x86.op_count,
                     [](const cs_x86_op& operand) { return operand.type == X86_OP_MEM; });
}

TEST(OfRegistersOnly, IsRightAboutWhatADisassemblerKnows) {
  for (const cs_mode mode : {CS_MODE_64, CS_MODE_32}) {
    csh capstone = 0;
    ASSERT_EQ(cs_open(CS_ARCH_X86, mode, &capstone), CS_ERR_OK);
    cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON);
    cs_insn* const instruction = cs_malloc(capstone);
    std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
    int known = 0;
    for (int i = 0; i < 200'000; ++i) {
      uint8_t bytes[15];
      for (uint8_t& byte : bytes) byte = uint8_t(random());
      if (i % 2 == 0) bytes[0] = 0x0f;  // half of them from the second table
      const uint8_t* code = bytes;
      size_t size = sizeof bytes;
      uint64_t address = 0;
      if (!cs_disasm_iter(capstone, &code, &size, &address, instruction)) continue;
      if (!emu::is_of_registers_only(bytes, instruction->size)) continue;
      ++known;
      EXPECT_FALSE(may_leave_its_block(capstone, *instruction))
          << instruction->mnemonic << ' ' << instruction->op_str;
    }
    EXPECT_GT(known, 10'000);
    cs_free(instruction, 1);
    cs_close(&capstone);
  }
}

}  // namespace
}  // namespace fptrace::emu
