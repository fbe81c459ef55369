// General registers and flags.
#include <algorithm>

#include "backends/emu/taint/emitter.h"

namespace fptrace::emu::taint {
namespace {

constexpr unsigned kRax = 0, kRbx = 1, kRcx = 2, kRdx = 3, kRbp = 6, kRsp = 7;

// Which of the lowest bytes of `value` satisfy the test, as a set of bits.
template <class Test>
uint16_t bytes_where(int64_t value, Test test) {
  uint16_t set = 0;
  for (unsigned i = 0; i < 8; ++i)
    if (test(uint8_t(uint64_t(value) >> (8 * i)))) set = uint16_t(set | 1u << i);
  return set;
}

// The flags a condition looks at.
uint8_t flags_of_condition(unsigned code) {
  static constexpr uint8_t kOf[8] = {kSetOf, kSetCf, kSetZf,          kSetCf | kSetZf,
                                     kSetSf, kSetPf, kSetSf | kSetOf, kSetZf | kSetSf | kSetOf};
  return kOf[code >> 1 & 7];
}

// Of jcc, setcc and cmovcc: the low four bits of the opcode.
unsigned condition(const Emitter& e) {
  const uint8_t* const opcode = e.x86().opcode;
  return opcode[0] == 0x0f ? opcode[1] : opcode[0];
}

// --- Moves ---------------------------------------------------------------------------------------

void move(Emitter& e) {
  const Place to = e.is_reg(0) ? place_of(e.operand(0).reg) : Place{};
  if (to && e.is_mem(1)) {
    e.address(1);
    e.load(to);
    return e.extend(to);
  }
  // A segment has two bytes whatever it is moved to.
  if (const Place from = e.read_labelled(1)) return e.put(0, from);
  e.put_none(0);
}

void move_extended(Emitter& e, bool is_signed) {
  const Place to = place_of(e.operand(0).reg), from = e.read(1);
  const unsigned n = std::min(to.size, from.size);
  e.copy(to.low(n), from.low(n));
  if (to.size > n) {
    const Place rest = to.part(n, to.size - n);
    if (is_signed)
      e.mix(rest, to.byte(n - 1));
    else
      e.clear(rest);
  }
  e.extend(to);
}

// The rest of the register, `from` its low half, is all sign.
void sign_extend(Emitter& e, Place low, Place high) {
  e.mix(high, low.high(1));
  if (high.at == low.at + low.size)
    e.extend({low.at, uint16_t(low.size + high.size)});
  else
    e.extend(high);
}

void load_address(Emitter& e) {
  const Place to = place_of(e.operand(0).reg);
  const x86_op_mem& mem = e.operand(1).mem;
  Place base = place_of(mem.base), index = place_of(mem.index);
  if (!base) std::swap(base, index);
  if (!base) return e.put_none(0);
  const unsigned n = std::min(to.size, base.size);
  if (!index && base.at == place_of(mem.base).at && mem.disp == 0)
    e.copy(to.low(n), base.low(n));
  else
    e.carry(to.low(n), base.low(n), (index ? index : base).low(n), n);
  if (n < to.size) e.clear(to.part(n, to.size - n));
  e.extend(to);
}

void exchange(Emitter& e) {
  const Place old = e.temp(e.operand(0).size);
  if (e.is_mem(0)) {
    e.address(0);
    e.load(old);
    e.store(place_of(e.operand(1).reg));
  } else if (e.is_mem(1)) {  // Capstone has it either way
    const Place memory = e.read(1);
    e.store(place_of(e.operand(0).reg));
    return e.put(0, memory);
  } else {
    e.copy(old, place_of(e.operand(0).reg));
    e.put(0, place_of(e.operand(1).reg));
  }
  e.put(1, old);
}

void exchange_add(Emitter& e) {
  const Place old = e.temp(e.operand(0).size), sum = e.temp(old.size), from = e.read(0);
  e.copy(old, from);
  e.arithmetic(sum, old, place_of(e.operand(1).reg));
  e.put(1, old);
  e.put(0, sum);
}

void compare_exchange(Emitter& e) {
  const Place to = e.read(0), with = place_of(e.operand(1).reg);
  const Place acc = gpr(kRax, to.size), equal = e.temp(1), result = e.temp(to.size);
  e.arithmetic(result, to, acc);
  e.copy(equal, result.high(1));
  e.join(result, to, with);
  e.spread(result, equal);
  e.join(acc, acc, to);
  e.spread(acc, equal);
  if (to.size != 4) return e.put(0, result);
  // The rest of the one that is written becomes zero, that of the other stays.
  e.spread(gpr(kRax).high(4), equal);
  if (e.is_mem(0)) return e.put(0, result);
  e.copy(place_of(e.operand(0).reg), result);
  e.spread({uint16_t(to.at + 4), 4}, equal);
}

void compare_exchange_pair(Emitter& e, unsigned half) {
  const Place memory = e.temp(2 * half), equal = e.temp(1);
  e.address(0);
  e.load(memory);
  const Place a = gpr(kRax, half), d = gpr(kRdx, half);
  e.mix(equal, memory);
  e.mix_into(equal, a);
  e.mix_into(equal, d);
  e.flags(kSetZf, equal);
  for (const auto& [acc, part] : {std::pair{gpr(kRax), 0u}, std::pair{gpr(kRdx), half}}) {
    e.join(acc.low(half), acc.low(half), memory.part(part, half));
    e.spread(acc, equal);
  }
  e.join(memory.low(half), memory.low(half), gpr(kRbx, half));
  e.join(memory.high(half), memory.high(half), gpr(kRcx, half));
  e.spread(memory, equal);
  e.store(memory);
}

void move_if(Emitter& e) {
  const Place to = place_of(e.operand(0).reg), from = e.read(1);
  e.join(to, to, from.low(to.size));
  e.spread(to, e.pick_flags(flags_of_condition(condition(e))));
  e.extend(to);
}

void set_if(Emitter& e) {
  const Place result = e.target(0, 1);
  e.mix(result, e.pick_flags(flags_of_condition(condition(e))));
  e.put(0, result);
}

// --- Sums ----------------------------------------------------------------------------------------

// `b` of what has no labels is `a` itself: a label joined with itself is no other.
Place or_else(Place b, Place a) { return b ? b : a; }

void add(Emitter& e, bool stores) {
  if (e.insn().id != X86_INS_ADD && e.is_same(0, 1)) {  // of equals, nothing is left
    e.clear_flags(kAllFlags);
    if (stores) e.put_none(0);
    return;
  }
  const Place a = e.read(0), b = or_else(e.read_labelled(1), a);
  if (!stores) return e.compare(a, b.low(a.size));
  const Place result = e.is_reg(0) ? a : e.temp(a.size);
  e.arithmetic(result, a, b.low(a.size));
  e.put(0, result);
}

void add_one(Emitter& e, uint8_t set) {
  const Place a = e.read(0);
  e.arithmetic(a, a, a, set);
  e.put(0, a);
}

void add_carry(Emitter& e) {
  const Place cf = e.pick_flags(kSetCf);
  if (e.insn().id == X86_INS_SBB && e.is_same(0, 1)) {
    const Place to = place_of(e.operand(0).reg);
    e.mix(to, cf);
    e.flags(kAllFlags, cf);
    return e.extend(to);
  }
  const Place a = e.read(0), b = or_else(e.read_labelled(1), a);
  e.arithmetic(a, a, b.low(a.size));
  e.mix_into(a, cf);
  e.mix_into_flags(kAllFlags, cf);
  e.put(0, a);
}

// ADCX, ADOX.
void add_one_flag(Emitter& e, uint8_t set) {
  const Place in = e.pick_flags(set), to = place_of(e.operand(0).reg), from = e.read(1);
  e.carry(to, to, from, to.size);
  e.mix_into(to, in);
  e.flags(set, to);
  e.extend(to);
}

// --- Logic ---------------------------------------------------------------------------------------

void bitwise(Emitter& e, bool stores) {
  const unsigned id = e.insn().id;
  if (e.is_same(0, 1) && id == X86_INS_XOR) {
    e.clear_flags(kAllFlags);
    return e.put_none(0);
  }
  const Place a = e.read(0);
  if (const Place b = e.read_labelled(1)) {
    const Place result = stores && e.is_reg(0) ? a : e.temp(a.size);
    e.logic(result, a, b.low(a.size));
    if (stores) e.put(0, result);
    return;
  }
  // A byte that is constant, whatever it was, has no labels.
  const int64_t mask = e.is_imm(1) ? e.operand(1).imm : 0;
  const Place result = stores && e.is_reg(0) ? a : e.temp(a.size);
  if (id == X86_INS_AND || id == X86_INS_TEST)
    e.keep(result, a, bytes_where(mask, [](uint8_t b) { return b != 0; }));
  else if (id == X86_INS_OR)
    e.keep(result, a, bytes_where(mask, [](uint8_t b) { return b != 0xff; }));
  else
    e.copy(result, a);
  e.logic(result, result, result);
  if (stores) e.put(0, result);
}

void invert(Emitter& e) {
  const Place a = e.read(0);
  e.unite(a, a, a);
  e.put(0, a);
}

// --- Shifts --------------------------------------------------------------------------------------

void shift_by_unknown(Emitter& e, Place count) {
  const unsigned id = e.insn().id;
  const Place to = e.read(0), all = e.temp(1);
  e.mix(all, to);
  if (count) e.mix_into(all, count);
  const bool rotates =
      id == X86_INS_ROL || id == X86_INS_ROR || id == X86_INS_RCL || id == X86_INS_RCR;
  if (id == X86_INS_RCL || id == X86_INS_RCR) e.mix_into(all, flag(kCf));
  // By 0, flags stay as they are.
  e.mix_into_flags(rotates ? uint8_t(kSetCf | kSetOf) : kAllFlags, all);
  if (id == X86_INS_SHL || id == X86_INS_SAL) {
    e.carry(to, to, to, to.size);
    if (count) e.mix_into(to, count);
  } else {
    e.mix(to, all);
  }
  e.put(0, to);
}

void rotate(Emitter& e, Place to, unsigned bits) {
  const bool left = e.insn().id == X86_INS_ROL;
  const unsigned width = to.size * 8u;
  e.flags(kSetOf, to);  // the definition's own of the two top bits, if by 1
  const unsigned by = (left ? bits : width - bits % width) % width;
  e.shift(OpCode::kRotateLeft, to, to, to.size, by);
  e.flags(kSetCf, left ? to.byte(0) : to.high(1));
}

void shift_out(Emitter& e, Place to, unsigned bits) {
  const bool left = e.insn().id == X86_INS_SHL || e.insn().id == X86_INS_SAL;
  const bool is_signed = e.insn().id == X86_INS_SAR;
  const unsigned width = to.size * 8u;
  const Place sign = e.temp(1);
  e.copy(sign, to.high(1));
  e.flags(kSetAf | kSetOf, to);
  const unsigned last_out = left ? width - std::min(bits, width) : std::min(bits, width) - 1;
  e.flags(kSetCf, bits > width ? (is_signed ? sign : Place{}) : to.byte(last_out / 8));
  if (bits < width)
    e.shift(left        ? OpCode::kShiftLeft
            : is_signed ? OpCode::kShiftArithmetic
                        : OpCode::kShiftRight,
            to, to, to.size, bits);
  else if (is_signed)
    e.mix(to, sign);
  else
    e.clear(to);
  e.flags(kSetZf, to);
  e.flags(kSetPf, to.byte(0));
  e.flags(kSetSf, to.high(1));
}

void shift(Emitter& e) {
  const unsigned id = e.insn().id, size = e.operand(0).size;
  if (!e.is_imm(1) && e.count() > 1) return shift_by_unknown(e, gpr(kRcx, 1));
  if (id == X86_INS_RCL || id == X86_INS_RCR) return shift_by_unknown(e, {});
  const unsigned bits = (e.count() > 1 ? unsigned(e.operand(1).imm) : 1u) & (size == 8 ? 63 : 31);
  const Place to = e.read(0);
  if (bits != 0) {
    if (id == X86_INS_ROL || id == X86_INS_ROR)
      rotate(e, to, bits);
    else
      shift_out(e, to, bits);
  }
  e.put(0, to);
}

// SHLD, SHRD: the two operands side by side.
void shift_double(Emitter& e) {
  const bool left = e.insn().id == X86_INS_SHLD;
  const Place to = e.read(0), from = place_of(e.operand(1).reg), all = e.temp(1);
  e.mix(all, to);
  e.mix_into(all, from);
  const unsigned n = to.size;
  const unsigned bits =
      e.is_imm(2) ? unsigned(e.operand(2).imm) & (n == 8 ? 63 : 31) : unsigned(n * 8);
  if (bits == 0) return e.put(0, to);
  if (bits < n * 8u) {
    e.flags(kAllFlags, all);
    const Place both = e.temp(2 * n);
    e.copy(both.low(n), left ? from : to);
    e.copy(both.high(n), left ? to : from);
    e.shift(left ? OpCode::kShiftLeft : OpCode::kShiftRight, both, both, 2 * n, bits);
    return e.put(0, left ? both.high(n) : both.low(n));
  }
  e.mix_into(all, gpr(kRcx, 1));
  e.mix_into_flags(kAllFlags, all);
  const Place result = e.temp(n);
  e.mix(result, all);
  e.put(0, result);
}

// SHLX, SHRX, SARX.
void shift_without_flags(Emitter& e) {
  const Place to = place_of(e.operand(0).reg), from = e.read(1), by = place_of(e.operand(2).reg);
  const Place all = e.temp(1);
  e.mix(all, from);
  e.mix_into(all, by.byte(0));
  e.mix(to, all);
  e.extend(to);
}

void rotate_without_flags(Emitter& e) {
  const Place to = place_of(e.operand(0).reg), from = e.read(1);
  const unsigned width = to.size * 8u;
  e.shift(OpCode::kRotateLeft, to, from, to.size,
          (width - unsigned(e.operand(2).imm) % width) % width);
  e.extend(to);
}

constexpr uint8_t kNotSumFlags = kSetZf | kSetSf | kSetPf | kSetAf;

// The processor may compute the flags that its manual leaves undefined, or leave them as they are.
void multiply_flags(Emitter& e, Place all) {
  e.flags(kSetCf | kSetOf, all);
  e.mix_into_flags(kNotSumFlags, all);
}

// --- Products and quotients ----------------------------------------------------------------------

void multiply_accumulator(Emitter& e) {
  const Place by = e.read(0);
  const unsigned n = by.size;
  const Place a = gpr(kRax, n), all = e.temp(1);
  e.mix(all, a);
  e.mix_into(all, by);
  e.carry(a, a, by, n);
  const Place high = n == 1 ? Place{uint16_t(gpr_at(kRax) + 1), 1} : gpr(kRdx, n);
  e.mix(high, all);
  multiply_flags(e, all);
  if (n == 1) return;
  e.extend(a);
  e.extend(high);
}

void multiply(Emitter& e) {
  if (e.insn().id == X86_INS_MUL || e.count() == 1) return multiply_accumulator(e);
  const Place to = place_of(e.operand(0).reg), b = e.read(1);
  const Place a = e.count() == 2 ? to : b, all = e.temp(1);
  e.mix(all, a);
  e.mix_into(all, b);
  e.carry(to, a, b, to.size);
  multiply_flags(e, all);
  e.extend(to);
}

void multiply_without_flags(Emitter& e) {
  const Place high = place_of(e.operand(0).reg), low = place_of(e.operand(1).reg), by = e.read(2);
  const Place a = gpr(kRdx, high.size), all = e.temp(1), product = e.temp(high.size);
  e.mix(all, a);
  e.mix_into(all, by);
  e.carry(product, a, by, a.size);
  e.put(low, product);
  e.mix(high, all);  // wins when both are the same
  e.extend(high);
}

void divide(Emitter& e) {
  const Place by = e.read(0), all = e.temp(1);
  const unsigned n = by.size;
  e.mix(all, by);
  e.mix_into(all, gpr(kRax, n == 1 ? 2 : n));
  if (n != 1) e.mix_into(all, gpr(kRdx, n));
  e.mix_into_flags(kAllFlags, all);
  e.mix(gpr(kRax, n == 1 ? 2 : n), all);
  if (n == 1) return;
  e.mix(gpr(kRdx, n), all);
  e.extend(gpr(kRax, n));
  e.extend(gpr(kRdx, n));
}

// --- Bits ----------------------------------------------------------------------------------------

void test_bit(Emitter& e) {
  const bool stores = e.insn().id != X86_INS_BT;
  const Place to = e.read(0);
  if (e.is_imm(1)) {
    const unsigned bit = unsigned(e.operand(1).imm) % (to.size * 8u);
    e.flags(kSetCf, to.byte(bit / 8));
  } else {
    const Place by = place_of(e.operand(1).reg), all = e.temp(1);
    e.mix(all, to);
    // Which byte of memory it is, the upper bits say.
    e.mix_into(all, by.byte(0));
    e.flags(kSetCf, all);
    if (stores) e.mix_into(to, by.byte(0));
  }
  if (stores) e.put(0, to);
}

void find_bit(Emitter& e) {
  const Place to = place_of(e.operand(0).reg), from = e.read(1), all = e.temp(1);
  e.mix(all, from);
  const bool scans = e.insn().id == X86_INS_BSF || e.insn().id == X86_INS_BSR;
  if (e.insn().id == X86_INS_POPCNT) {
    e.flags(kSetZf, all);
    e.clear_flags(kAllFlags & ~kSetZf);
  } else {
    const uint8_t defined = scans ? kSetZf : kSetZf | kSetCf;
    e.flags(defined, all);
    e.mix_into_flags(kAllFlags & ~defined, all);
  }
  if (scans) {
    // Of zero, nothing is written, or zeros into the rest of the register.
    e.mix_into(to.size == 4 ? Place{to.at, 8} : to, all);
    return;
  }
  e.mix(to.byte(0), from);  // at most 64
  e.clear(to.part(1, to.size - 1u));
  e.extend(to);
}

void mix_operands(Emitter& e) {
  const Place to = place_of(e.operand(0).reg), all = e.temp(1);
  e.clear(all);
  for (unsigned i = 1; i < e.count(); ++i)
    if (const Place from = e.read_labelled(i)) e.mix_into(all, from);
  if (e.insn().id != X86_INS_PDEP && e.insn().id != X86_INS_PEXT) e.flags(kAllFlags, all);
  e.mix(to, all);
  e.extend(to);
}

void and_not(Emitter& e) {
  const Place to = place_of(e.operand(0).reg), a = place_of(e.operand(1).reg), b = e.read(2);
  e.logic(to, a, b);
  e.flags(kSetPf | kSetAf, to);  // undefined
  e.extend(to);
}

void swap_bytes(Emitter& e) {
  const Place to = place_of(e.operand(0).reg);
  e.reverse(to, to);
  e.extend(to);
}

void move_swapped(Emitter& e) {
  const Place from = e.read(1), swapped = e.temp(from.size);
  e.reverse(swapped, from);
  e.put(0, swapped);
}

void checksum(Emitter& e) {
  const Place to = place_of(e.operand(0).reg), from = e.read(1), all = e.temp(1);
  e.mix(all, to.low(4));
  e.mix_into(all, from);
  e.mix(to.low(4), all);
  e.extend(to.low(4));
}

// --- Stack ---------------------------------------------------------------------------------------

// The stack pointer keeps its labels: a constant is added to it.
void stack_address(Emitter& e) { e.address(gpr(kRsp, e.is_64bit() ? 8 : 4)); }

void push(Emitter& e) {
  if (const Place from = e.read_labelled(0, e.stack_size()); from.size == e.stack_size())
    return e.store(from);
  e.store_none(e.stack_size());  // a constant or a segment
}

void pop(Emitter& e) {
  const Place from = e.temp(e.stack_size());
  stack_address(e);
  e.load(from);
  e.put(0, from);
}

// In the order of their addresses.
constexpr unsigned kAllRegisters[8] = {5, 4, 6, 7, 1, 3, 2, 0};

void push_all(Emitter& e, unsigned size) {
  for (unsigned i = 0; i < 8; ++i) e.store(gpr(kAllRegisters[i], size), i * size);
}

void pop_all(Emitter& e, unsigned size) {
  for (unsigned i = 0; i < 8; ++i) {
    if (kAllRegisters[i] == kRsp) continue;
    e.load(gpr(kAllRegisters[i], size), i * size);
    e.extend(gpr(kAllRegisters[i], size));
  }
  e.set(Instruction::kAnyAccesses);  // the stack pointer's may be left out
}

void push_flags(Emitter& e) {
  const Place image = e.temp(e.stack_size());
  e.clear(image);
  e.pick_flags(image.byte(0), kSetCf | kSetPf | kSetAf | kSetZf | kSetSf);
  e.pick_flags(image.byte(1), kSetOf);
  e.store(image);
}

void pop_flags(Emitter& e) {
  const Place image = e.temp(e.stack_size());
  stack_address(e);
  e.load(image);
  e.flags(kSetCf | kSetPf | kSetAf | kSetZf | kSetSf, image.byte(0));
  e.flags(kSetOf, image.byte(1));
}

void enter(Emitter& e) {
  if (e.count() < 2 || e.operand(1).imm != 0) {
    // Copies pointers to outer frames: compilers do not use it.
    e.set(Instruction::kAnyAccesses);
    e.unmodelled(gpr(kRbp));
    e.clear_area();
  } else {
    e.store(gpr(kRbp, e.stack_size()));
  }
  e.copy(gpr(kRbp), gpr(kRsp));
}

void leave(Emitter& e) {
  const unsigned size = e.stack_size();
  e.copy(gpr(kRsp), gpr(kRbp));
  stack_address(e);
  e.load(gpr(kRbp, size));
  e.extend(gpr(kRbp, size));
}

// --- Control -------------------------------------------------------------------------------------

void jump(Emitter& e) {
  if (const Place to = e.read_labelled(0)) e.jump(to);
}

void call(Emitter& e) {
  jump(e);
  e.store_none(e.stack_size());
}

void jump_if(Emitter& e) { e.branch_if(flags_of_condition(condition(e))); }

// JRCXZ, LOOP and its like.
void jump_on_count(Emitter& e, bool counts, uint8_t also) {
  const unsigned size = e.x86().addr_size == 4 ? 4 : e.x86().addr_size == 2 ? 2 : 8;
  const Place count = gpr(kRcx, size), all = e.temp(1);
  e.clear(all);
  e.spread(all, count);
  if (also != 0) e.spread(all, e.pick_flags(also));
  e.branch(all);
  if (!counts) return;
  e.carry(count, count, count, size);
  e.extend(count);
}

void return_near(Emitter& e) {
  const Place to = e.temp(e.stack_size());
  stack_address(e);
  e.load(to);
  e.jump(to);
}

// --- Flags and accumulator -----------------------------------------------------------------------

void load_flags(Emitter& e) {
  e.pick_flags({uint16_t(gpr_at(kRax) + 1), 1}, kSetCf | kSetPf | kSetAf | kSetZf | kSetSf);
}

void save_flags(Emitter& e) {
  e.flags(kSetCf | kSetPf | kSetAf | kSetZf | kSetSf, {uint16_t(gpr_at(kRax) + 1), 1});
}

void adjust_decimal(Emitter& e) {
  const Place ax = gpr(kRax, 2), all = e.temp(1);
  e.mix(all, ax);
  e.mix_into(all, {flag_at(kCf), 6});
  e.mix(ax, all);
  e.flags(kAllFlags, all);
}

void translate_byte(Emitter& e) {
  e.address(gpr(kRbx), gpr(kRax, 1));
  e.load(gpr(kRax, 1));
}

}  // namespace

bool decode_integer(Emitter& e) {
  switch (e.insn().id) {
    case X86_INS_MOV:
    case X86_INS_MOVABS:
    case X86_INS_MOVNTI:
      move(e);
      break;
    case X86_INS_MOVZX:
      move_extended(e, false);
      break;
    case X86_INS_MOVSX:
    case X86_INS_MOVSXD:
      move_extended(e, true);
      break;
    case X86_INS_CBW:
      sign_extend(e, gpr(kRax, 1), gpr(kRax).part(1, 1));
      break;
    case X86_INS_CWDE:
      sign_extend(e, gpr(kRax, 2), gpr(kRax).part(2, 2));
      break;
    case X86_INS_CDQE:
      sign_extend(e, gpr(kRax, 4), gpr(kRax).part(4, 4));
      break;
    case X86_INS_CWD:
      sign_extend(e, gpr(kRax, 2), gpr(kRdx, 2));
      break;
    case X86_INS_CDQ:
      sign_extend(e, gpr(kRax, 4), gpr(kRdx, 4));
      break;
    case X86_INS_CQO:
      sign_extend(e, gpr(kRax, 8), gpr(kRdx, 8));
      break;
    case X86_INS_LEA:
      load_address(e);
      break;
    case X86_INS_XCHG:
      exchange(e);
      break;
    case X86_INS_XADD:
      exchange_add(e);
      break;
    case X86_INS_CMPXCHG:
      compare_exchange(e);
      break;
    case X86_INS_CMPXCHG8B:
      compare_exchange_pair(e, 4);
      break;
    case X86_INS_CMPXCHG16B:
      compare_exchange_pair(e, 8);
      break;

    case X86_INS_ADD:
    case X86_INS_SUB:
      add(e, true);
      break;
    case X86_INS_CMP:
      add(e, false);
      break;
    case X86_INS_NEG:
      add_one(e, kAllFlags);
      break;
    case X86_INS_INC:
    case X86_INS_DEC:
      add_one(e, kAllFlags & ~kSetCf);
      break;
    case X86_INS_ADC:
    case X86_INS_SBB:
      add_carry(e);
      break;
    case X86_INS_ADCX:
      add_one_flag(e, kSetCf);
      break;
    case X86_INS_ADOX:
      add_one_flag(e, kSetOf);
      break;
    case X86_INS_AND:
    case X86_INS_OR:
    case X86_INS_XOR:
      bitwise(e, true);
      break;
    case X86_INS_TEST:
      bitwise(e, false);
      break;
    case X86_INS_NOT:
      invert(e);
      break;
    case X86_INS_SHL:
    case X86_INS_SAL:
    case X86_INS_SHR:
    case X86_INS_SAR:
    case X86_INS_ROL:
    case X86_INS_ROR:
    case X86_INS_RCL:
    case X86_INS_RCR:
      shift(e);
      break;
    case X86_INS_SHLD:
    case X86_INS_SHRD:
      shift_double(e);
      break;
    case X86_INS_SHLX:
    case X86_INS_SHRX:
    case X86_INS_SARX:
      shift_without_flags(e);
      break;
    case X86_INS_RORX:
      rotate_without_flags(e);
      break;
    case X86_INS_MUL:
    case X86_INS_IMUL:
      multiply(e);
      break;
    case X86_INS_MULX:
      multiply_without_flags(e);
      break;
    case X86_INS_DIV:
    case X86_INS_IDIV:
      divide(e);
      break;
    case X86_INS_BT:
    case X86_INS_BTS:
    case X86_INS_BTR:
    case X86_INS_BTC:
      test_bit(e);
      break;
    case X86_INS_BSF:
    case X86_INS_BSR:
    case X86_INS_TZCNT:
    case X86_INS_LZCNT:
    case X86_INS_POPCNT:
      find_bit(e);
      break;
    case X86_INS_ANDN:
      and_not(e);
      break;
    case X86_INS_BEXTR:
    case X86_INS_BLSI:
    case X86_INS_BLSR:
    case X86_INS_BLSMSK:
    case X86_INS_BZHI:
    case X86_INS_PDEP:
    case X86_INS_PEXT:
      mix_operands(e);
      break;
    case X86_INS_BSWAP:
      swap_bytes(e);
      break;
    case X86_INS_MOVBE:
      move_swapped(e);
      break;
    case X86_INS_CRC32:
      checksum(e);
      break;

    case X86_INS_PUSH:
      push(e);
      break;
    case X86_INS_POP:
      pop(e);
      break;
    case X86_INS_PUSHAL:
      push_all(e, 4);
      break;
    case X86_INS_PUSHAW:
      push_all(e, 2);
      break;
    case X86_INS_POPAL:
      pop_all(e, 4);
      break;
    case X86_INS_POPAW:
      pop_all(e, 2);
      break;
    case X86_INS_PUSHF:
    case X86_INS_PUSHFD:
    case X86_INS_PUSHFQ:
      push_flags(e);
      break;
    case X86_INS_POPF:
    case X86_INS_POPFD:
    case X86_INS_POPFQ:
      pop_flags(e);
      break;
    case X86_INS_ENTER:
      enter(e);
      break;
    case X86_INS_LEAVE:
      leave(e);
      break;
    case X86_INS_JMP:
      jump(e);
      break;
    case X86_INS_CALL:
      call(e);
      break;
    case X86_INS_RET:
      return_near(e);
      break;
    case X86_INS_JCXZ:
    case X86_INS_JECXZ:
    case X86_INS_JRCXZ:
      jump_on_count(e, false, 0);
      break;
    case X86_INS_LOOP:
      jump_on_count(e, true, 0);
      break;
    case X86_INS_LOOPE:
    case X86_INS_LOOPNE:
      jump_on_count(e, true, kSetZf);
      break;
    case X86_INS_JO:
    case X86_INS_JNO:
    case X86_INS_JB:
    case X86_INS_JAE:
    case X86_INS_JE:
    case X86_INS_JNE:
    case X86_INS_JBE:
    case X86_INS_JA:
    case X86_INS_JS:
    case X86_INS_JNS:
    case X86_INS_JP:
    case X86_INS_JNP:
    case X86_INS_JL:
    case X86_INS_JGE:
    case X86_INS_JLE:
    case X86_INS_JG:
      jump_if(e);
      break;
    case X86_INS_SETO:
    case X86_INS_SETNO:
    case X86_INS_SETB:
    case X86_INS_SETAE:
    case X86_INS_SETE:
    case X86_INS_SETNE:
    case X86_INS_SETBE:
    case X86_INS_SETA:
    case X86_INS_SETS:
    case X86_INS_SETNS:
    case X86_INS_SETP:
    case X86_INS_SETNP:
    case X86_INS_SETL:
    case X86_INS_SETGE:
    case X86_INS_SETLE:
    case X86_INS_SETG:
      set_if(e);
      break;
    case X86_INS_CMOVO:
    case X86_INS_CMOVNO:
    case X86_INS_CMOVB:
    case X86_INS_CMOVAE:
    case X86_INS_CMOVE:
    case X86_INS_CMOVNE:
    case X86_INS_CMOVBE:
    case X86_INS_CMOVA:
    case X86_INS_CMOVS:
    case X86_INS_CMOVNS:
    case X86_INS_CMOVP:
    case X86_INS_CMOVNP:
    case X86_INS_CMOVL:
    case X86_INS_CMOVGE:
    case X86_INS_CMOVLE:
    case X86_INS_CMOVG:
      move_if(e);
      break;

    case X86_INS_LAHF:
      load_flags(e);
      break;
    case X86_INS_SAHF:
      save_flags(e);
      break;
    case X86_INS_CLC:
    case X86_INS_STC:
      e.clear_flags(kSetCf);
      break;
    case X86_INS_CMC:
      e.flags(kSetCf, flag(kCf));
      break;
    case X86_INS_SALC:
      e.mix(gpr(kRax, 1), flag(kCf));
      break;
    case X86_INS_AAA:
    case X86_INS_AAD:
    case X86_INS_AAM:
    case X86_INS_AAS:
    case X86_INS_DAA:
    case X86_INS_DAS:
      adjust_decimal(e);
      break;
    case X86_INS_XLATB:
      translate_byte(e);
      break;
    default:
      return false;
  }
  return true;
}

}  // namespace fptrace::emu::taint
