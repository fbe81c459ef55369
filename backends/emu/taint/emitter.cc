#include "backends/emu/taint/emitter.h"

#include <algorithm>

namespace fptrace::emu::taint {
namespace {

constexpr size_t kRegisters = X86_REG_ENDING;

struct PlaceTable {
  Place of[kRegisters];
};

constexpr void add_gpr(PlaceTable& table, unsigned index, x86_reg r64, x86_reg r32, x86_reg r16,
                       x86_reg low, x86_reg high) {
  table.of[r64] = {gpr_at(index), 8};
  table.of[r32] = {gpr_at(index), 4};
  table.of[r16] = {gpr_at(index), 2};
  table.of[low] = {gpr_at(index), 1};
  if (high != X86_REG_INVALID) table.of[high] = {uint16_t(gpr_at(index) + 1), 1};
}

constexpr PlaceTable make_places() {
  PlaceTable t{};
  add_gpr(t, 0, X86_REG_RAX, X86_REG_EAX, X86_REG_AX, X86_REG_AL, X86_REG_AH);
  add_gpr(t, 1, X86_REG_RBX, X86_REG_EBX, X86_REG_BX, X86_REG_BL, X86_REG_BH);
  add_gpr(t, 2, X86_REG_RCX, X86_REG_ECX, X86_REG_CX, X86_REG_CL, X86_REG_CH);
  add_gpr(t, 3, X86_REG_RDX, X86_REG_EDX, X86_REG_DX, X86_REG_DL, X86_REG_DH);
  add_gpr(t, 4, X86_REG_RSI, X86_REG_ESI, X86_REG_SI, X86_REG_SIL, X86_REG_INVALID);
  add_gpr(t, 5, X86_REG_RDI, X86_REG_EDI, X86_REG_DI, X86_REG_DIL, X86_REG_INVALID);
  add_gpr(t, 6, X86_REG_RBP, X86_REG_EBP, X86_REG_BP, X86_REG_BPL, X86_REG_INVALID);
  add_gpr(t, 7, X86_REG_RSP, X86_REG_ESP, X86_REG_SP, X86_REG_SPL, X86_REG_INVALID);
  for (int i = 0; i < 8; ++i)  // Capstone numbers r8 to r15 in a row, in each size
    add_gpr(t, unsigned(8 + i), x86_reg(X86_REG_R8 + i), x86_reg(X86_REG_R8D + i),
            x86_reg(X86_REG_R8W + i), x86_reg(X86_REG_R8B + i), X86_REG_INVALID);
  for (int i = 0; i < 16; ++i) {
    t.of[X86_REG_XMM0 + i] = {vector_at(unsigned(i)), 16};
    t.of[X86_REG_YMM0 + i] = {vector_at(unsigned(i)), 32};
  }
  for (int i = 0; i < 8; ++i) {
    t.of[X86_REG_MM0 + i] = {x87_at(unsigned(i)), 8};
    t.of[X86_REG_ST0 + i] = {x87_at(unsigned(i)), 10};
  }
  return t;
}

constexpr PlaceTable kPlaces = make_places();

}  // namespace

Place place_of(x86_reg reg) { return size_t(reg) < kRegisters ? kPlaces.of[reg] : Place{}; }

void Emitter::emit(const Op& op) {
  block_.ops.push_back(op);
  ++out_.op_count;
}

void Emitter::binary(OpCode code, Place d, Place a, Place b, unsigned w) {
  emit({code, uint8_t(d.size), uint8_t(w), 0, d.at, a.at, b.at, 0});
}

void Emitter::spread(OpCode code, Place d, Place a) {
  if (!a) {  // of nothing
    if (code == OpCode::kMix) clear(d);
    return;
  }
  emit({code, uint8_t(d.size), 0, 0, d.at, a.at, 0, a.size});
}

// --- Operands ------------------------------------------------------------------------------------

Place Emitter::temp(unsigned size) {
  const unsigned slots = (size + kTempBytes - 1) / kTempBytes;
  if (temps_ + slots > kTempCount) temps_ = 0;  // no instruction needs so many at a time
  const Place place{temp_at(temps_), uint16_t(size)};
  temps_ += slots;
  return place;
}

Place Emitter::read_labelled(unsigned i, unsigned size) {
  if (i >= count()) return {};
  if (is_reg(i)) {
    const Place reg = place_of(operand(i).reg);
    return size != 0 && size < reg.size ? reg.low(size) : reg;
  }
  if (!is_mem(i)) return {};
  const Place to = temp(size != 0 ? size : std::clamp<unsigned>(operand(i).size, 1, kTempBytes));
  address(i);
  load(to);
  return to;
}

Place Emitter::read(unsigned i, unsigned size) {
  if (const Place labels = read_labelled(i, size)) return labels;
  const Place none = temp(size != 0 ? size : std::clamp<unsigned>(operand(i).size, 1, kTempBytes));
  clear(none);
  return none;
}

Place Emitter::target(unsigned i, unsigned size) {
  if (is_reg(i))
    if (const Place reg = place_of(operand(i).reg)) return reg;
  return temp(size != 0 ? size : std::clamp<unsigned>(operand(i).size, 1, kTempBytes));
}

void Emitter::extend(Place written) {
  if (written.size == 4 && written.at < kVectors) clear({uint16_t(written.at + 4), 4});
}

void Emitter::put(Place reg, Place from) {
  if (from != reg) copy(reg, from);
  extend(reg);
}

void Emitter::put(unsigned i, Place from) {
  if (is_mem(i)) return store(from);
  if (const Place reg = place_of(operand(i).reg)) put(reg, from);
}

void Emitter::put_none(unsigned i, unsigned size) {
  if (is_mem(i)) return store_none(size != 0 ? size : operand(i).size);
  if (const Place reg = place_of(operand(i).reg)) {
    clear(reg);
    extend(reg);
  }
}

// --- Memory --------------------------------------------------------------------------------------

void Emitter::address(unsigned i) {
  const Place base = place_of(operand(i).mem.base), index = place_of(operand(i).mem.index);
  address(base, index);
}

void Emitter::address(Place base, Place index) {
  if (!base) std::swap(base, index);
  if (!base || base.at >= kVectors) return;
  if (index && index.at >= kVectors) index = {};
  emit({OpCode::kAddress, 0, uint8_t(base.size), 0, 0, base.at, index ? index.at : kNoPlace, 0});
}

void Emitter::load(Place to, unsigned offset) {
  out_.load_bytes = std::max(out_.load_bytes, uint16_t(offset + to.size));
  emit({OpCode::kLoad, uint8_t(to.size), 0, 0, to.at, uint16_t(offset), 0, 0});
}

void Emitter::store(Place from, unsigned offset) {
  out_.store_bytes = std::max(out_.store_bytes, uint16_t(offset + from.size));
  emit({OpCode::kStore, uint8_t(from.size), 0, 0, from.at, uint16_t(offset), 0, 0});
}

void Emitter::store_none(unsigned size, unsigned offset) {
  out_.store_bytes = std::max(out_.store_bytes, uint16_t(offset + size));
  clear_area();
}

void Emitter::restore(Place to, unsigned offset, unsigned component) {
  emit({OpCode::kRestore, uint8_t(to.size), 0, 0, to.at, uint16_t(offset), uint16_t(component), 0});
}

// --- Operations ----------------------------------------------------------------------------------

void Emitter::clear(Place d) {
  if (d) emit({OpCode::kClear, uint8_t(d.size), 0, 0, d.at, 0, 0, 0});
}

void Emitter::copy(Place d, Place a) {
  if (d && d.at != a.at) emit({OpCode::kCopy, uint8_t(d.size), 0, 0, d.at, a.at, 0, 0});
}

void Emitter::keep(Place d, Place a, uint16_t bytes) {
  emit({OpCode::kKeep, uint8_t(d.size), 0, 0, d.at, a.at, 0, bytes});
}

void Emitter::lanes(Place d, unsigned to, Place a, unsigned from) {
  emit({OpCode::kLanes, uint8_t(d.size), uint8_t(to), 0, d.at, a.at, 0, uint16_t(from)});
}

void Emitter::shift(OpCode code, Place d, Place a, unsigned lane, unsigned bits) {
  emit({code, uint8_t(d.size), uint8_t(lane), 0, d.at, a.at, uint16_t(bits), 0});
}

void Emitter::flags(uint8_t set, Place a) {
  if (!a) return clear_flags(set);
  emit({OpCode::kFlags, 0, set, 0, 0, a.at, 0, a.size});
}

void Emitter::clear_flags(uint8_t set) {
  if (set == kAllFlags) return clear({flag_at(kCf), 6});
  for (unsigned i = 0; i < kFlagCount; ++i)
    if ((set >> i & 1) != 0) clear(flag(i));
}

void Emitter::mix_into_flags(uint8_t set, Place a) {
  if (set == kAllFlags) return mix_into({flag_at(kCf), 6}, a);
  for (unsigned i = 0; i < kFlagCount; ++i)
    if ((set >> i & 1) != 0) mix_into(flag(i), a);
}

void Emitter::pick_flags(Place d, uint8_t set) {
  emit({OpCode::kPickFlags, uint8_t(d.size), set, 0, d.at, 0, 0, 0});
}

Place Emitter::pick_flags(uint8_t set) {
  const Place to = temp(1);
  pick_flags(to, set);
  return to;
}

void Emitter::string(StringKind kind, unsigned element, bool repeated) {
  emit({OpCode::kString, kind, uint8_t(element), 0, 0, 0, 0, repeated});
}

void Emitter::branch(Place a) {
  set(Instruction::kIsBranch);
  emit({OpCode::kBranch, 0, 0, 0, 0, a.at, 0, a.size});
}

void Emitter::branch_if(uint8_t flags) {
  set(Instruction::kIsBranch);
  emit({OpCode::kBranchIf, 0, flags, 0, 0, 0, 0, 0});
}

void Emitter::jump(Place a) {
  set(Instruction::kIsJump);
  if (a) emit({OpCode::kJump, 0, 0, 0, 0, a.at, 0, a.size});
}

void Emitter::unmodelled(Place a) {
  set(Instruction::kUnmodelled);
  block_.has_unmodelled = true;
  emit({OpCode::kUnmodelled, 0, 0, 0, 0, a.at, 0, a.size});
}

}  // namespace fptrace::emu::taint
