#include "backends/emu/plugin/instruction.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace fptrace::emu
