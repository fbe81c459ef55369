#pragma once
#include <capstone/capstone.h>

#include <cstdint>
#include <vector>

#include "backends/emu/taint/decode.h"

namespace fptrace::emu::taint {

// Bytes in RegisterShadow::bytes.
struct Place {
  uint16_t at = 0;
  uint16_t size = 0;  // 0: what has no labels, as segments and control registers

  explicit operator bool() const { return size != 0; }
  Place part(unsigned from, unsigned count) const { return {uint16_t(at + from), uint16_t(count)}; }
  Place low(unsigned count) const { return part(0, count); }
  Place high(unsigned count) const { return part(size - count, count); }
  Place byte(unsigned index) const { return part(index, 1); }
  bool operator==(const Place&) const = default;
};

// Of any register that Capstone names; mm0 to mm7 as in ops.h.
Place place_of(x86_reg reg);
// The lowest bytes of a general register.
constexpr Place gpr(unsigned index, unsigned size = kGprBytes) {
  return {gpr_at(index), uint16_t(size)};
}
constexpr Place flag(unsigned index) { return {flag_at(index), 1}; }

// Writes the operations of one instruction. In its words, operands are numbered as in Intel's
// syntax, the destination first.
class Emitter {
 public:
  Emitter(csh handle, const cs_insn& insn, bool is_64bit, Block& block)
      : handle_(handle),
        insn_(insn),
        x86_(insn.detail->x86),
        is_64bit_(is_64bit),
        block_(block),
        out_(block.instructions.back()) {}

  // --- The instruction
  csh handle() const { return handle_; }
  const cs_insn& insn() const { return insn_; }
  const cs_x86& x86() const { return x86_; }
  bool is_64bit() const { return is_64bit_; }
  // Of a push, a pop, a call, in bytes. REX.W outweighs 66H (SDM 2.2.1.2), also where Capstone
  // says otherwise of a memory operand.
  unsigned stack_size() const {
    if ((x86_.rex & 8) != 0) return 8;
    return x86_.prefix[2] != 0 ? 2 : is_64bit_ ? 8 : 4;
  }
  unsigned count() const { return x86_.op_count; }
  const cs_x86_op& operand(unsigned i) const { return x86_.operands[i]; }
  bool is_mem(unsigned i) const { return i < count() && operand(i).type == X86_OP_MEM; }
  bool is_reg(unsigned i) const { return i < count() && operand(i).type == X86_OP_REG; }
  bool is_imm(unsigned i) const { return i < count() && operand(i).type == X86_OP_IMM; }
  // Both the same register.
  bool is_same(unsigned i, unsigned j) const {
    return is_reg(i) && is_reg(j) && operand(i).reg == operand(j).reg;
  }
  void set(Instruction::Flag flag) { out_.flags = uint8_t(out_.flags | flag); }

  // --- Operands
  Place temp(unsigned size);
  // Where its labels are: in a temporary when they come from memory (of which `size` bytes count,
  // when Capstone does not know) or there are none.
  Place read(unsigned i, unsigned size = 0);
  // As read(), but `size` 0 when it cannot have labels.
  Place read_labelled(unsigned i, unsigned size = 0);
  // Where a result that replaces it may be put; put() then makes it one.
  Place target(unsigned i, unsigned size = 0);
  // Moves labels into it: zeros come into the rest of a register as the processor has it.
  void put(unsigned i, Place from);
  void put(Place reg, Place from);
  void put_none(unsigned i, unsigned size = 0);
  // The rest of the register was zeroed when 32 bits were written.
  void extend(Place written);

  // --- Memory; bytes of the area that the instruction loads or stores
  void address(unsigned i);  // of the memory operand
  void address(Place base, Place index = {});
  void load(Place to, unsigned offset = 0);
  void store(Place from, unsigned offset = 0);
  void store_none(unsigned size, unsigned offset = 0);
  void clear_area() { emit({OpCode::kClearArea, 0, 0, 0, 0, 0, 0, 0}); }
  void restore(Place to, unsigned offset, unsigned component);

  // --- Operations, as in ops.h
  void clear(Place d);
  void copy(Place d, Place a);
  void keep(Place d, Place a, uint16_t bytes);
  void join(Place d, Place a, Place b) { binary(OpCode::kJoin, d, a, b, 0); }
  void unite(Place d, Place a, Place b) { binary(OpCode::kUnion, d, a, b, 0); }
  void mix(Place d, Place a) { spread(OpCode::kMix, d, a); }
  void mix_into(Place d, Place a) { spread(OpCode::kMixInto, d, a); }
  void spread(Place d, Place a) { spread(OpCode::kSpread, d, a); }
  void reverse(Place d, Place a) { binary(OpCode::kReverse, d, a, a, 0); }
  void lanes(Place d, unsigned to, Place a, unsigned from);
  void carry(Place d, Place a, Place b, unsigned lane) { binary(OpCode::kCarry, d, a, b, lane); }
  void interleave(Place d, Place a, Place b, unsigned lane) {
    binary(OpCode::kInterleave, d, a, b, lane);
  }
  void shift(OpCode code, Place d, Place a, unsigned lane, unsigned bits);
  void arithmetic(Place d, Place a, Place b, uint8_t set = kAllFlags) {
    binary(OpCode::kArithmetic, d, a, b, set);
  }
  void compare(Place a, Place b) {
    emit({OpCode::kCompare, uint8_t(a.size), 0, 0, 0, a.at, b.at, 0});
  }
  void logic(Place d, Place a, Place b) { binary(OpCode::kLogic, d, a, b, 0); }
  void flags(uint8_t set, Place a);
  void clear_flags(uint8_t set);
  void mix_into_flags(uint8_t set, Place a);
  // In a temporary of 1 byte.
  Place pick_flags(uint8_t set);
  void pick_flags(Place d, uint8_t set);
  void string(StringKind kind, unsigned element, bool repeated);
  void branch(Place a);
  void branch_if(uint8_t flags);
  void jump(Place a);
  void unmodelled(Place a);
  void push_x87() { emit({OpCode::kPushX87, 0, 0, 0, 0, 0, 0, 0}); }
  void pop_x87() { emit({OpCode::kPopX87, 0, 0, 0, 0, 0, 0, 0}); }

 private:
  void emit(const Op& op);
  void binary(OpCode code, Place d, Place a, Place b, unsigned w);
  void spread(OpCode code, Place d, Place a);

  csh handle_;
  const cs_insn& insn_;
  const cs_x86& x86_;
  bool is_64bit_;
  Block& block_;
  Instruction& out_;
  unsigned temps_ = 0;
};

// Each knows some instructions, and says whether this is one of them.
bool decode_integer(Emitter& e);
bool decode_string(Emitter& e);
bool decode_system(Emitter& e);
bool decode_x87(Emitter& e);
bool decode_vector(Emitter& e);
// All inputs into all outputs, as Capstone knows them.
void decode_unmodelled(Emitter& e);

}  // namespace fptrace::emu::taint
