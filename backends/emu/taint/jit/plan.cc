#include "backends/emu/taint/jit/plan.h"

#include <algorithm>
#include <bit>

namespace fptrace::emu::taint::jit {
namespace {

bool is_flag(uint16_t place) { return place >= kFlags && place < kTemps; }

// With depth, an operation that takes computed() of some of its bytes only is left alone.
bool is_compiled(const Op& op, bool depth) {
  switch (op.code) {
    case OpCode::kRestore:
    case OpCode::kString:
    case OpCode::kPushX87:
    case OpCode::kPopX87:
    case OpCode::kUnmodelled:  // whether it is reported depends on more than its labels
    case OpCode::kCount:
      return false;
    case OpCode::kShiftLeft:
    case OpCode::kShiftRight:
    case OpCode::kShiftArithmetic:
    case OpCode::kRotateLeft:
      return !depth;
    case OpCode::kMix:
    case OpCode::kMixInto:
    case OpCode::kSpread:
      return op.c <= kMostLanes && !is_flag(op.a);
    case OpCode::kFlags:
    case OpCode::kBranch:
    case OpCode::kJump:
      return op.c <= kMostLanes;
    default:
      return true;
  }
}

// Whether its operations do all that the interpreter would do: that one clears all it stores to
// when the inputs have no label.
bool is_simple(std::span<const Op> ops, const Instruction& instruction, std::span<const Access> log,
               bool depth) {
  if ((instruction.flags & Instruction::kAnyAccesses) != 0) return false;
  uint32_t loads = 0, stores = 0, loaded = 0, stored = 0;
  for (const Access& access : log) {
    if (!std::has_single_bit(access.size) || access.size >> Helpers::kSizes != 0) return false;
    ++(access.is_store ? stores : loads);
    (access.is_store ? stored : loaded) = access.size;
  }
  if (loads > 1 || stores > 1) return false;
  uint32_t writes = 0;
  for (const Op& op : ops) {
    if (!is_compiled(op, depth)) return false;
    if (op.code == OpCode::kLoad && uint32_t{op.a} + op.n > loaded) return false;
    if (op.code == OpCode::kStore && (op.a != 0 || op.n != stored)) return false;
    writes += op.code == OpCode::kStore || op.code == OpCode::kClearArea;
  }
  return writes == stores;
}

}  // namespace

Plan make_plan(const Block& block, std::span<const Access> log, bool pointers, bool depth) {
  Plan plan;
  plan.pointers = pointers;
  plan.depth = depth;
  const Access* access = log.data();
  const Access* const end = access + log.size();
  const auto count = uint16_t(block.instructions.size());  // QEMU has some hundred at most
  for (uint16_t i = 0; i < count; ++i) {
    const Instruction& instruction = block.instructions[i];
    const Access* const first = access;
    while (access != end && access->instruction <= i) ++access;
    const std::span<const Access> its_log(first, access);
    const auto ops =
        std::span(block.whole_ops).subspan(instruction.first_whole_op, instruction.whole_op_count);

    PlannedInstruction& planned = plan.instructions.emplace_back();
    planned.index = i;
    planned.interpreted = !is_simple(ops, instruction, its_log, depth);
    if (planned.interpreted) {
      plan.any_interpreted = true;
      planned.step = uint32_t(plan.steps.size());
      plan.steps.push_back(Step::all(i));
      continue;
    }
    for (const Access& one : its_log) {
      (one.is_store ? planned.store : planned.load) = uint32_t(plan.steps.size());
      (one.is_store ? planned.store_size : planned.load_size) = one.size;
      plan.steps.push_back(Step::one(i, one.size, one.is_store != 0));
    }
    planned.first_op = uint32_t(plan.ops.size());
    planned.op_count = uint32_t(ops.size());
    plan.ops.insert(plan.ops.end(), ops.begin(), ops.end());
  }
  return plan;
}

bool matches(std::span<const Step> steps, std::span<const uint64_t> accesses,
             const uint64_t** first_of) {
  const uint64_t* word = accesses.data();
  const uint64_t* const end = word + accesses.size();
  for (const Step& step : steps) {
    *first_of++ = word;
    if (step.is_all()) {
      while (word != end && step.has_instruction(word)) word += AccessWords::count(word);
    } else {
      if (word == end || !step.is(word)) return false;
      word += step.words();
    }
  }
  *first_of = word;
  return word == end;
}

}  // namespace fptrace::emu::taint::jit
