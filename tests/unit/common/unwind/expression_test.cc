#include "common/unwind/expression.h"

#include <dwarf.h>

#include <vector>

#include <gtest/gtest.h>

#include "tests/support/fake_task.h"

namespace fptrace::unwind {
namespace {

class Expression : public ::testing::Test {
 protected:
  // Offsets are those of operations of one byte, unless given.
  static Dwarf_Op op(uint8_t atom, uint64_t number = 0, uint64_t number2 = 0) {
    Dwarf_Op o{};
    o.atom = atom;
    o.number = number;
    o.number2 = number2;
    return o;
  }
  std::optional<Evaluated> run(std::vector<Dwarf_Op> ops,
                               std::optional<uint64_t> cfa = std::nullopt) {
    for (size_t i = 0; i < ops.size(); ++i) ops[i].offset = 3 * i;
    return evaluate(ops, {task_, registers_, cfa});
  }
  std::optional<uint64_t> value(const std::vector<Dwarf_Op>& ops) {
    const auto result = run(ops);
    return result ? std::optional(result->value) : std::nullopt;
  }

  testing::FakeFileSystem fs_;
  testing::FakeTask task_{fs_};
  Registers registers_;
};

TEST_F(Expression, RegisterWithOffsetIsAnAddress) {
  registers_.value[7] = 1000;
  const auto found = run({op(DW_OP_breg7, uint64_t(-8))});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->value, 992u);
  EXPECT_TRUE(found->is_address);
}

TEST_F(Expression, RegisterItselfAndStackValueAreValues) {
  registers_.value[3] = 77;
  EXPECT_FALSE(run({op(DW_OP_reg3)})->is_address);
  EXPECT_EQ(value({op(DW_OP_regx, 3)}), 77u);
  const auto computed =
      run({op(DW_OP_call_frame_cfa), op(DW_OP_plus_uconst, 8), op(DW_OP_stack_value)}, 16);
  ASSERT_TRUE(computed);
  EXPECT_EQ(computed->value, 24u);
  EXPECT_FALSE(computed->is_address);
}

TEST_F(Expression, LoadsFromTheTasksMemory) {
  registers_.value[7] = task_.put_value(uint64_t{0x1122334455667788});
  EXPECT_EQ(value({op(DW_OP_breg7), op(DW_OP_deref)}), 0x1122334455667788u);
  EXPECT_EQ(value({op(DW_OP_lit1), op(DW_OP_deref)}), std::nullopt);
}

TEST_F(Expression, WordsOf32BitProgramsHave4Bytes) {
  registers_.is_i386 = true;
  registers_.value[4] = task_.put_value(uint32_t{0x11223344});
  EXPECT_EQ(value({op(DW_OP_breg4), op(DW_OP_deref)}), 0x11223344u);
  EXPECT_EQ(value({op(DW_OP_lit0), op(DW_OP_lit1), op(DW_OP_minus)}), 0xffffffffu);
  EXPECT_EQ(value({op(DW_OP_breg12)}), std::nullopt) << "i386 has no such register";
}

// binutils' PLT: the frame is one word larger once the stub has pushed its index.
TEST_F(Expression, FrameOfAPltEntry) {
  const std::vector<Dwarf_Op> plt = {op(DW_OP_breg7, 8), op(DW_OP_breg16), op(DW_OP_lit15),
                                     op(DW_OP_and),      op(DW_OP_lit11),  op(DW_OP_ge),
                                     op(DW_OP_lit3),     op(DW_OP_shl),    op(DW_OP_plus)};
  registers_.value[7] = 1000;
  registers_.value[16] = 0x1026;
  EXPECT_EQ(value(plt), 1008u);
  registers_.value[16] = 0x102b;
  EXPECT_EQ(value(plt), 1016u);
}

TEST_F(Expression, BranchesSkipOperations) {
  // 0: lit1, 3: bra +3 (to 9), 6: lit2, 9: lit3
  EXPECT_EQ(value({op(DW_OP_lit1), op(DW_OP_bra, 3), op(DW_OP_lit2), op(DW_OP_lit3)}), 3u);
  EXPECT_EQ(value({op(DW_OP_lit0), op(DW_OP_bra, 3), op(DW_OP_lit2)}), 2u);
  EXPECT_EQ(value({op(DW_OP_lit1), op(DW_OP_bra, 100)}), std::nullopt) << "nowhere";
}

TEST_F(Expression, AnEndlessLoopEnds) {
  EXPECT_EQ(value({op(DW_OP_lit1), op(DW_OP_skip, uint64_t(-3))}), std::nullopt);
  EXPECT_EQ(value({op(DW_OP_nop), op(DW_OP_skip, uint64_t(-6))}), std::nullopt);
}

TEST_F(Expression, StackThatRunsEmptyOrOverIsAnError) {
  for (const uint8_t atom : {DW_OP_drop, DW_OP_deref, DW_OP_dup, DW_OP_neg, DW_OP_stack_value})
    EXPECT_EQ(value({op(atom)}), std::nullopt) << int(atom);
  for (const uint8_t atom : {DW_OP_plus, DW_OP_swap, DW_OP_over, DW_OP_shl, DW_OP_eq})
    EXPECT_EQ(value({op(DW_OP_lit1), op(atom)}), std::nullopt) << int(atom);
  EXPECT_EQ(value({op(DW_OP_lit1), op(DW_OP_pick, 5)}), std::nullopt);
  EXPECT_EQ(value(std::vector<Dwarf_Op>(33, op(DW_OP_lit1))), std::nullopt);
  EXPECT_EQ(value({}), std::nullopt);
}

TEST_F(Expression, WhatFramesDoNotNeedIsAnError) {
  EXPECT_EQ(value({op(DW_OP_call_frame_cfa)}), std::nullopt) << "while it is looked for";
  EXPECT_EQ(value({op(DW_OP_lit1), op(DW_OP_piece, 4)}), std::nullopt);
  EXPECT_EQ(value({op(0xff)}), std::nullopt);
}

}  // namespace
}  // namespace fptrace::unwind
