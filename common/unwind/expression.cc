#include "common/unwind/expression.h"

#include <dwarf.h>

#include <algorithm>
#include <array>

namespace fptrace::unwind {
namespace {

constexpr size_t kMostSteps = 512;

class Machine {
 public:
  Machine(std::span<const Dwarf_Op> ops, const Surroundings& around) : ops_(ops), in_(around) {}

  std::optional<Evaluated> run() {
    for (size_t steps = 0; next_ < ops_.size(); ++steps) {
      if (steps == kMostSteps || !execute(ops_[next_++])) return std::nullopt;
      if (result_) return result_;
    }
    if (depth_ == 0) return std::nullopt;
    return Evaluated{stack_[depth_ - 1], true};
  }

 private:
  bool push(uint64_t value) {
    if (depth_ == stack_.size()) return false;
    stack_[depth_++] = in_.registers.is_i386 ? uint32_t(value) : value;
    return true;
  }
  bool pick(size_t below_top) { return below_top < depth_ && push(stack_[depth_ - 1 - below_top]); }
  bool push_register(uint64_t index, uint64_t offset) {
    return index < in_.registers.count() && push(in_.registers.value[index] + offset);
  }
  bool load() {
    if (depth_ == 0) return false;
    const auto word = read_word(in_.task, stack_[depth_ - 1], in_.registers.is_i386);
    if (word) stack_[depth_ - 1] = *word;
    return word.has_value();
  }

  // Branches are byte distances; libdw gives the offset of every operation in its expression, and
  // for a branch the distance from the one behind it.
  bool branch(const Dwarf_Op& op) {
    const uint64_t target = op.offset + 3 + op.number;
    const auto at = std::find_if(ops_.begin(), ops_.end(),
                                 [&](const Dwarf_Op& o) { return o.offset == target; });
    next_ = size_t(at - ops_.begin());
    return at != ops_.end();
  }

  bool execute(const Dwarf_Op& op) {
    const uint8_t atom = op.atom;
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31) return push(atom - uint64_t{DW_OP_lit0});
    if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
      return push_register(atom - uint64_t{DW_OP_breg0}, op.number);
    if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) return in_register(atom - uint64_t{DW_OP_reg0});
    switch (atom) {
      case DW_OP_bregx:
        return push_register(op.number, op.number2);
      case DW_OP_regx:
        return in_register(op.number);
      case DW_OP_call_frame_cfa:
        return in_.cfa && push(*in_.cfa);
      case DW_OP_addr:
      case DW_OP_const1u:
      case DW_OP_const1s:
      case DW_OP_const2u:
      case DW_OP_const2s:
      case DW_OP_const4u:
      case DW_OP_const4s:
      case DW_OP_const8u:
      case DW_OP_const8s:
      case DW_OP_constu:
      case DW_OP_consts:
        return push(op.number);
      case DW_OP_deref:
        return load();
      case DW_OP_skip:
        return branch(op);
      case DW_OP_nop:
        return true;
      default:
        return depth_ > 0 && execute_on_top(op);
    }
  }

  bool in_register(uint64_t index) {
    if (index >= in_.registers.count()) return false;
    result_ = Evaluated{in_.registers.value[index], false};
    return true;
  }

  bool execute_on_top(const Dwarf_Op& op) {
    uint64_t& top = stack_[depth_ - 1];
    switch (op.atom) {
      case DW_OP_stack_value:
        result_ = Evaluated{top, false};
        return true;
      case DW_OP_plus_uconst:
        return replace(1, top + op.number);
      case DW_OP_dup:
        return pick(0);
      case DW_OP_over:
        return pick(1);
      case DW_OP_pick:
        return pick(size_t(op.number));
      case DW_OP_drop:
        --depth_;
        return true;
      case DW_OP_neg:
        return replace(1, 0 - top);
      case DW_OP_not:
        return replace(1, ~top);
      case DW_OP_bra:
        return stack_[--depth_] == 0 || branch(op);
      default:
        return depth_ > 1 && execute_on_two(op, stack_[depth_ - 2], top);
    }
  }

  bool replace(size_t operands, uint64_t value) {
    depth_ -= operands;
    return push(value);
  }

  int64_t as_signed(uint64_t value) const {
    return in_.registers.is_i386 ? int32_t(uint32_t(value)) : int64_t(value);
  }

  bool execute_on_two(const Dwarf_Op& op, uint64_t a, uint64_t b) {
    const int64_t x = as_signed(a), y = as_signed(b);
    switch (op.atom) {
      case DW_OP_swap:
        std::swap(stack_[depth_ - 1], stack_[depth_ - 2]);
        return true;
      case DW_OP_and:
        return replace(2, a & b);
      case DW_OP_or:
        return replace(2, a | b);
      case DW_OP_xor:
        return replace(2, a ^ b);
      case DW_OP_plus:
        return replace(2, a + b);
      case DW_OP_minus:
        return replace(2, a - b);
      case DW_OP_mul:
        return replace(2, a * b);
      case DW_OP_shl:
        return replace(2, b < 64 ? a << b : 0);
      case DW_OP_shr:
        return replace(2, b < 64 ? a >> b : 0);
      case DW_OP_shra:
        return replace(2, uint64_t(x >> std::min<uint64_t>(b, 63)));
      case DW_OP_eq:
        return replace(2, x == y);
      case DW_OP_ne:
        return replace(2, x != y);
      case DW_OP_lt:
        return replace(2, x < y);
      case DW_OP_le:
        return replace(2, x <= y);
      case DW_OP_gt:
        return replace(2, x > y);
      case DW_OP_ge:
        return replace(2, x >= y);
      default:
        return false;
    }
  }

  std::span<const Dwarf_Op> ops_;
  const Surroundings& in_;
  size_t next_ = 0, depth_ = 0;
  std::array<uint64_t, 32> stack_{};
  std::optional<Evaluated> result_;
};

}  // namespace

std::optional<uint64_t> read_word(TaskView& task, uint64_t addr, bool is_i386) {
  uint64_t word = 0;
  const size_t size = is_i386 ? 4 : 8;
  if (task.read_memory(addr, &word, size) != size) return std::nullopt;
  return word;
}

std::optional<Evaluated> evaluate(std::span<const Dwarf_Op> ops, const Surroundings& around) {
  return Machine(ops, around).run();
}

}  // namespace fptrace::unwind
