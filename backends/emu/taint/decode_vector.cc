// MMX, SSE and, by the same rules, AVX.
#include <algorithm>

#include "backends/emu/taint/emitter.h"

namespace fptrace::emu::taint {
namespace {

// With VEX, an instruction has a destination of its own, and zeros go into the rest of it.
bool has_vex(const Emitter& e) {
  const uint8_t* at = e.insn().bytes;
  const uint8_t* const end = at + e.insn().size;
  while (at < end && (*at == 0x66 || *at == 0xf2 || *at == 0xf3 || *at == 0x26 || *at == 0x2e ||
                      *at == 0x36 || *at == 0x3e || *at == 0x64 || *at == 0x65 || *at == 0x67))
    ++at;
  return at < end && (*at == 0xc4 || *at == 0xc5);
}

bool has_evex(const Emitter& e) {
  const uint8_t* at = e.insn().bytes;
  const uint8_t* const end = at + e.insn().size;
  while (at < end && (*at == 0x66 || *at == 0x67 || (*at >= 0x64 && *at <= 0x65))) ++at;
  return at < end && *at == 0x62;
}

// One vector instruction.
class Vector {
 public:
  explicit Vector(Emitter& emitter) : e(emitter), vex_(has_vex(emitter)) {}
  bool decode();

 private:
  // --- Operands. Of an immediate, `count` is one less.
  unsigned sources() const { return e.count() - (e.is_imm(e.count() - 1) ? 1 : 0); }
  bool three() const { return vex_ && sources() >= 3; }
  Place d() const { return place_of(e.operand(0).reg); }
  unsigned n() const { return d().size; }
  // The first and the second source of two.
  Place a() { return three() ? e.read(1, n()) : d(); }
  Place b(unsigned size) { return e.read(three() ? 2 : 1, size); }
  Place b() { return b(n()); }
  // The only source.
  Place source(unsigned size) { return e.read(sources() - 1, size); }
  unsigned imm() const {
    return e.is_imm(e.count() - 1) ? unsigned(e.operand(e.count() - 1).imm) & 0xff : 0;
  }
  bool same_sources() const { return three() ? e.is_same(1, 2) : e.is_same(0, 1); }
  // Of halves of 16 bytes, or all of an MMX register.
  unsigned half() const { return std::min(n(), 16u); }

  void done() {
    if (vex_ && d() && d().at < kX87 && d().size == 16) e.clear({uint16_t(d().at + 16), 16});
  }
  void set(Place result) {
    e.copy(d(), result);
    done();
  }
  void none() {
    e.clear(d());
    done();
  }

  // --- Of two sources
  void bytes() {
    e.unite(d(), a(), b());
    done();
  }
  void lanes(unsigned w) {
    const Place both = e.temp(n());
    e.join(both, a(), b());
    e.lanes(d(), w, both, w);
    done();
  }
  void sums(unsigned w) {
    e.carry(d(), a(), b(), w);
    done();
  }
  void scalar(unsigned w);
  void mixed(bool also_xmm0 = false);
  void pairs(unsigned w);
  void pack(unsigned from);
  void unpack(unsigned w, bool high);
  void shift(OpCode code, unsigned w);
  void shift_whole(OpCode code);
  void align();
  void multiply_add(unsigned w, bool is_scalar);

  // --- Of one
  void convert(unsigned to, unsigned from);
  void convert_scalar(unsigned to, unsigned from);
  void to_integer(unsigned from);
  void round_scalar(unsigned w) { convert_scalar(w, w); }
  void sign_bits(unsigned w);
  void extend(unsigned to, unsigned from, bool is_signed);

  // --- Moves
  void move();
  void move_low(unsigned w);
  void move_scalar(unsigned w);
  void move_half(bool high);
  void move_across(bool to_high);
  void duplicate(unsigned w, bool odd);
  void broadcast(unsigned w);
  void shuffle_bytes();
  void shuffle(unsigned w, unsigned from, unsigned count);
  void shuffle_two(unsigned w);
  void blend(unsigned w);
  void blend_variable(unsigned w);
  void extract(unsigned w);
  void insert(unsigned w);
  void insert_single();
  void extract_half();
  void insert_half();
  void permute_halves();
  void permute_quarters();
  void masked_store();
  void masked_move(unsigned w);

  // --- Flags and such
  void compare_to_flags(unsigned w);
  void test();
  void compare_strings(bool explicit_lengths, bool to_mask);
  void zero(bool all);

  bool decode_moves();
  bool decode_packed_integers();
  bool decode_floats();
  bool decode_rest();
  bool decode_comparison();
  bool decode_multiply_add();

  Emitter& e;  // NOLINT(readability-identifier-naming): in every line
  bool vex_;
};

// --- Of two sources ------------------------------------------------------------------------------

void Vector::scalar(unsigned w) {
  const Place low = e.temp(1), first = a();
  e.mix(low, b(w).low(w));
  e.mix_into(low, first.low(w));
  if (first != d()) e.copy(d(), first);
  e.mix(d().low(w), low);
  done();
}

void Vector::mixed(bool also_xmm0) {
  const Place all = e.temp(1);
  e.mix(all, a());
  e.mix_into(all, b());
  if (also_xmm0) e.mix_into(all, {vector_at(0), 16});
  e.mix(d(), all);
  done();
}

// HADD and the like: the results of pairs of the first, then of the second.
void Vector::pairs(unsigned w) {
  const Place first = a(), second = b();
  for (unsigned at = 0; at < n(); at += half()) {
    const Place both = e.temp(2 * half());
    e.copy(both.low(half()), first.part(at, half()));
    e.copy(both.high(half()), second.part(at, half()));
    e.lanes(d().part(at, half()), w, both, 2 * w);
  }
  done();
}

void Vector::pack(unsigned from) {
  const Place first = a(), second = b();
  for (unsigned at = 0; at < n(); at += half()) {
    const Place both = e.temp(2 * half());
    e.copy(both.low(half()), first.part(at, half()));
    e.copy(both.high(half()), second.part(at, half()));
    e.lanes(d().part(at, half()), from / 2, both, from);
  }
  done();
}

void Vector::unpack(unsigned w, bool high) {
  const Place first = a(), second = b();
  for (unsigned at = 0; at < n(); at += half()) {
    const unsigned from = at + (high ? half() / 2 : 0);
    e.interleave(d().part(at, half()), first.part(from, half() / 2), second.part(from, half() / 2),
                 w);
  }
  done();
}

void Vector::shift(OpCode code, unsigned w) {
  const Place from = a();
  if (e.is_imm(e.count() - 1)) {
    unsigned bits = imm();
    // SSE has the source in the destination, VEX one more operand.
    const Place value = vex_ ? e.read(1, n()) : from;
    if (bits >= 8 * w) {
      if (code != OpCode::kShiftArithmetic) return none();
      bits = 8 * w - 1;
    }
    e.shift(code, d(), value, w, bits);
    return done();
  }
  const Place count = e.temp(1);
  e.mix(count, b(half()).low(8));
  e.lanes(d(), w, from, w);
  e.mix_into(d(), count);
  done();
}

void Vector::shift_whole(OpCode code) {
  const Place from = vex_ ? e.read(1, n()) : d();
  if (imm() > 15) return none();
  e.shift(code, d(), from, 16, 8 * imm());
  done();
}

void Vector::align() {
  const Place first = a(), second = b();
  const unsigned size = half();
  if (imm() >= 2 * size) return none();
  for (unsigned at = 0; at < n(); at += size) {
    const Place both = e.temp(2 * size);
    e.copy(both.low(size), second.part(at, size));
    e.copy(both.high(size), first.part(at, size));
    e.shift(OpCode::kShiftRight, both, both, 2 * size, 8 * imm());
    e.copy(d().part(at, size), both.low(size));
  }
  done();
}

void Vector::multiply_add(unsigned w, bool is_scalar) {
  const unsigned size = is_scalar ? w : n();
  const Place all = e.temp(size), third = e.read(2, size);
  e.join(all, d().low(size), e.read(1, size).low(size));
  e.join(all, all, third.low(size));
  e.lanes(d().low(size), w, all, w);
  done();
}

// --- Of one --------------------------------------------------------------------------------------

// Lanes of `from` bytes to as many of `to`; zeros above, when these are fewer.
void Vector::convert(unsigned to, unsigned from) {
  const unsigned last = sources() - 1;
  unsigned lanes = n() / to;
  if (e.is_reg(last))
    lanes = std::min(lanes, place_of(e.operand(last).reg).size / from);
  else if (from > to)  // Capstone tells m128 from m256
    lanes = std::min(lanes, std::clamp<unsigned>(e.operand(last).size, 16, 32) / from);
  const Place value = source(lanes * from);
  e.lanes(d().low(lanes * to), to, value, from);
  if (lanes * to < n()) e.clear(d().part(lanes * to, n() - lanes * to));
  done();
}

// The lowest lane; the rest is the destination's, with VEX the first source's.
void Vector::convert_scalar(unsigned to, unsigned from) {
  const unsigned last = sources() - 1;
  const Place all = e.temp(1), value = e.read(last, from);
  e.mix(all, value);
  if (vex_ && last == 2) {
    const Place rest = e.read(1, 16);
    if (rest != d()) e.copy(d(), rest);
  }
  e.mix(d().low(to), all);
  done();
}

void Vector::to_integer(unsigned from) {
  e.mix(d(), source(from));
  e.extend(d());
}

void Vector::sign_bits(unsigned w) {
  const Place value = source(32), to = {d().at, 8};
  const unsigned signs = value.size / w, used = (signs + 7) / 8;
  const Place out = e.temp(8);
  e.clear(out);
  for (unsigned i = 0; i < used; ++i)
    e.mix(out.byte(i), value.part(i * 8 * w, std::min(8u, signs) * w));
  e.copy(to, out);
}

void Vector::extend(unsigned to, unsigned from, bool is_signed) {
  const unsigned lanes = n() / to;
  const Place value = source(lanes * from), out = e.temp(n());
  if (is_signed) {
    e.lanes(out, to, value, from);
  } else {
    e.clear(out);
    for (unsigned i = 0; i < lanes; ++i) e.copy(out.part(i * to, from), value.part(i * from, from));
  }
  set(out);
}

// --- Moves ---------------------------------------------------------------------------------------

void Vector::move() {
  if (e.is_mem(0)) return e.store(place_of(e.operand(1).reg));
  if (e.is_mem(1)) {
    e.address(1);
    e.load(d());
    return done();
  }
  set(place_of(e.operand(1).reg));
}

// MOVD, MOVQ: zeros above in a vector.
void Vector::move_low(unsigned w) {
  if (e.is_mem(0)) return e.store(place_of(e.operand(1).reg).low(w));
  const bool to_vector = d().at >= kVectors;
  Place from = e.read(1, w);
  if (!to_vector) return e.put({d().at, uint16_t(w)}, from.low(w));
  e.copy(d().low(w), from.low(w));
  if (n() > w) e.clear(d().part(w, n() - w));
  done();
}

void Vector::move_scalar(unsigned w) {
  if (e.is_mem(0)) return e.store(place_of(e.operand(1).reg).low(w));
  if (e.is_mem(1)) return move_low(w);
  const Place low = e.temp(w);
  e.copy(low, place_of(e.operand(e.count() - 1).reg).low(w));
  if (e.count() == 3) e.copy(d(), place_of(e.operand(1).reg));
  e.copy(d().low(w), low);
  done();
}

// MOVLPS, MOVHPS and the like, between half a register and memory.
void Vector::move_half(bool high) {
  if (e.is_mem(0)) return e.store(place_of(e.operand(1).reg).part(high ? 8 : 0, 8));
  const Place half = e.read(e.count() - 1, 8);
  if (e.count() == 3) e.copy(d(), place_of(e.operand(1).reg));
  e.copy(d().part(high ? 8 : 0, 8), half.low(8));
  done();
}

// MOVHLPS, MOVLHPS.
void Vector::move_across(bool to_high) {
  const Place half = e.temp(8);
  e.copy(half, place_of(e.operand(e.count() - 1).reg).part(to_high ? 0 : 8, 8));
  if (e.count() == 3) e.copy(d(), place_of(e.operand(1).reg));
  e.copy(d().part(to_high ? 8 : 0, 8), half);
  done();
}

// MOVDDUP, MOVSLDUP, MOVSHDUP.
void Vector::duplicate(unsigned w, bool odd) {
  const Place from = source(w == 8 && n() == 16 ? 8 : n()), out = e.temp(n());
  for (unsigned i = 0; i < n(); i += w)
    e.copy(out.part(i, w), from.part(i / (2 * w) * 2 * w + (odd ? w : 0), w));
  set(out);
}

void Vector::broadcast(unsigned w) {
  const Place from = e.read(1, w), out = e.temp(n());
  for (unsigned i = 0; i < n(); i += w) e.copy(out.part(i, w), from.low(w));
  set(out);
}

// PSHUFB: a byte of the first, whichever the second says.
void Vector::shuffle_bytes() {
  const Place all = e.temp(n()), first = a(), second = b();
  e.lanes(all, half(), first, half());
  e.unite(d(), second, all);
  done();
}

// `count` lanes of w bytes from byte `from` on, two bits of the immediate for each; the others stay
// where they are.
void Vector::shuffle(unsigned w, unsigned from, unsigned count) {
  const Place value = source(n()), out = e.temp(n());
  e.copy(out, value);
  for (unsigned at = 0; at < n(); at += half())
    for (unsigned i = 0; i < count; ++i)
      e.copy(out.part(at + from + i * w, w), value.part(at + from + (imm() >> 2 * i & 3) * w, w));
  set(out);
}

// SHUFPS, SHUFPD: the lower half from the first, the upper from the second.
void Vector::shuffle_two(unsigned w) {
  const Place first = a(), second = b(), out = e.temp(n());
  const unsigned lanes = 16 / w, bits = w == 4 ? 2 : 1;
  for (unsigned at = 0, used = 0; at < n(); at += 16)
    for (unsigned i = 0; i < lanes; ++i) {
      const Place from = i < lanes / 2 ? first : second;
      const unsigned index = imm() >> (w == 4 ? bits * i : used++) & (lanes - 1);
      e.copy(out.part(at + i * w, w), from.part(at + index * w, w));
    }
  set(out);
}

void Vector::blend(unsigned w) {
  const Place first = a(), second = b(), out = e.temp(n());
  e.copy(out, first);
  for (unsigned i = 0; i * w < n(); ++i)
    if ((imm() >> (w == 2 ? i % 8 : i) & 1) != 0) e.copy(out.part(i * w, w), second.part(i * w, w));
  set(out);
}

void Vector::blend_variable(unsigned w) {
  const Place mask = e.temp(n());
  // SSE's is in xmm0.
  e.lanes(mask, w, vex_ ? e.read(3, n()) : Place{vector_at(0), 16}, w);
  const Place first = vex_ ? e.read(1, n()) : d(), second = e.read(vex_ ? 2 : 1, n());
  const Place out = e.temp(n());
  e.join(out, first, second);
  e.join(d(), out, mask);
  done();
}

void Vector::extract(unsigned w) {
  const Place from = place_of(e.operand(1).reg);
  const Place part = from.part(imm() % (from.size / w) * w, w);
  if (e.is_mem(0)) return e.store(part);
  const Place to = {d().at, 8};
  e.copy(to.low(w), part);
  e.clear(to.part(w, 8 - w));
  if (w == 8) return;
}

void Vector::insert(unsigned w) {
  const Place part = e.read(sources() - 1, w);
  if (sources() == 3) e.copy(d(), place_of(e.operand(1).reg));
  e.copy(d().part(imm() % (n() / w) * w, w), part.low(w));
  done();
}

void Vector::insert_single() {
  const unsigned last = sources() - 1;
  const Place part = e.temp(4);
  if (e.is_mem(last))
    e.copy(part, e.read(last, 4));
  else
    e.copy(part, place_of(e.operand(last).reg).part((imm() >> 6) * 4, 4));
  if (last == 2) e.copy(d(), place_of(e.operand(1).reg));
  e.copy(d().part((imm() >> 4 & 3) * 4, 4), part);
  for (unsigned i = 0; i < 4; ++i)
    if ((imm() >> i & 1) != 0) e.clear(d().part(i * 4, 4));
  done();
}

void Vector::extract_half() {
  const Place part = place_of(e.operand(1).reg).part((imm() & 1) * 16, 16);
  if (e.is_mem(0)) return e.store(part);
  set(part);
}

void Vector::insert_half() {
  const Place part = e.temp(16);
  e.copy(part, e.read(2, 16));
  e.copy(d(), place_of(e.operand(1).reg));
  e.copy(d().part((imm() & 1) * 16, 16), part);
}

void Vector::permute_halves() {
  const Place first = e.read(1, 32), second = e.read(2, 32), out = e.temp(32);
  for (unsigned i = 0; i < 2; ++i) {
    const unsigned control = imm() >> 4 * i;
    if ((control & 8) != 0)
      e.clear(out.part(16 * i, 16));
    else
      e.copy(out.part(16 * i, 16),
             ((control & 2) != 0 ? second : first).part((control & 1) * 16, 16));
  }
  set(out);
}

void Vector::permute_quarters() {
  const Place from = e.read(1, 32), out = e.temp(32);
  for (unsigned i = 0; i < 4; ++i)
    e.copy(out.part(8 * i, 8), from.part((imm() >> 2 * i & 3) * 8, 8));
  set(out);
}

// MASKMOVDQU and the like: where in the area a byte comes to lie, the mask says.
void Vector::masked_store() {
  const Place value = place_of(e.operand(0).reg), mask = place_of(e.operand(1).reg);
  e.set(Instruction::kAnyAccesses);
  const Place all = e.temp(value.size), one = e.temp(1);
  e.mix(one, value);
  e.mix_into(one, mask);
  e.mix(all, one);
  e.store(all);
}

void Vector::masked_move(unsigned w) {
  e.set(Instruction::kAnyAccesses);
  if (!e.is_mem(0)) {
    const Place mask = e.temp(n()), one = e.temp(1);
    e.lanes(mask, w, place_of(e.operand(1).reg), w);
    // Loaded is only what the mask says, so that the area begins anywhere.
    e.mix(one, e.read(2, n()));
    e.copy(d(), mask);
    e.mix_into(d(), one);
    return done();
  }
  const Place value = place_of(e.operand(2).reg), mask = place_of(e.operand(1).reg);
  const Place all = e.temp(value.size), one = e.temp(1);
  e.mix(one, value);
  e.mix_into(one, mask);
  e.mix(all, one);
  e.store(all);
}

// --- Flags and such ------------------------------------------------------------------------------

void Vector::compare_to_flags(unsigned w) {
  const Place all = e.temp(1);
  e.mix(all, d().low(w));
  e.mix_into(all, e.read(1, w).low(w));
  e.flags(kSetZf | kSetPf | kSetCf, all);
  e.clear_flags(kSetOf | kSetSf | kSetAf);
}

void Vector::test() {
  const Place all = e.temp(1);
  e.mix(all, d());
  e.mix_into(all, e.read(1, n()));
  e.flags(kSetZf | kSetCf, all);
  e.clear_flags(kSetOf | kSetSf | kSetAf | kSetPf);
}

void Vector::compare_strings(bool explicit_lengths, bool to_mask) {
  const Place all = e.temp(1);
  e.mix(all, d());
  e.mix_into(all, e.read(1, 16));
  if (explicit_lengths) {
    e.mix_into(all, gpr(0));
    e.mix_into(all, gpr(3));
  }
  e.flags(kSetCf | kSetZf | kSetSf | kSetOf, all);
  e.clear_flags(kSetAf | kSetPf);
  if (to_mask) {
    e.mix({vector_at(0), 16}, all);
    if (vex_) e.clear({uint16_t(vector_at(0) + 16), 16});
    return;
  }
  e.mix(gpr(2, 1), all);
  e.clear(gpr(2).part(1, 7));
}

void Vector::zero(bool all) {
  const unsigned count = e.is_64bit() ? kVectorCount : 8;
  for (unsigned i = 0; i < count; ++i)
    e.clear(all ? Place{vector_at(i), 32} : Place{uint16_t(vector_at(i) + 16), 16});
}

// --- Which is which ------------------------------------------------------------------------------

// An instruction and its VEX form.
// clang-format cannot lay out labels that are macros.
// clang-format off
#define BOTH(name)     \
  case X86_INS_##name: \
  case X86_INS_V##name
#define DO(...)  \
  {              \
    __VA_ARGS__; \
    return true; \
  }

bool Vector::decode_moves() {
  switch (e.insn().id) {
    BOTH(MOVAPS): BOTH(MOVAPD): BOTH(MOVUPS): BOTH(MOVUPD): BOTH(MOVDQA): BOTH(MOVDQU):
    BOTH(LDDQU): BOTH(MOVNTDQ): BOTH(MOVNTDQA): BOTH(MOVNTPS): BOTH(MOVNTPD): case X86_INS_MOVNTQ:
      DO(move());
    BOTH(MOVD):
      DO(move_low((e.x86().rex & 8) != 0 ? 8 : 4));
    BOTH(MOVQ): case X86_INS_MOVQ2DQ: case X86_INS_MOVDQ2Q:
      DO(move_low(8));
    case X86_INS_MOVNTSS:
      DO(move_scalar(4));
    case X86_INS_MOVNTSD:
      DO(move_scalar(8));
    BOTH(MOVSS):
      DO(move_scalar(4));
    BOTH(MOVSD):
      DO(move_scalar(8));
    BOTH(MOVLPS): BOTH(MOVLPD):
      DO(move_half(false));
    BOTH(MOVHPS): BOTH(MOVHPD):
      DO(move_half(true));
    BOTH(MOVHLPS):
      DO(move_across(false));
    BOTH(MOVLHPS):
      DO(move_across(true));
    BOTH(MOVDDUP):
      DO(duplicate(8, false));
    BOTH(MOVSLDUP):
      DO(duplicate(4, false));
    BOTH(MOVSHDUP):
      DO(duplicate(4, true));
    BOTH(MASKMOVDQU): case X86_INS_MASKMOVQ:
      DO(masked_store());
    case X86_INS_VPMASKMOVD: case X86_INS_VMASKMOVPS:
      DO(masked_move(4));
    case X86_INS_VPMASKMOVQ: case X86_INS_VMASKMOVPD:
      DO(masked_move(8));
    case X86_INS_VBROADCASTSS: case X86_INS_VPBROADCASTD:
      DO(broadcast(4));
    case X86_INS_VBROADCASTSD: case X86_INS_VPBROADCASTQ:
      DO(broadcast(8));
    case X86_INS_VPBROADCASTB:
      DO(broadcast(1));
    case X86_INS_VPBROADCASTW:
      DO(broadcast(2));
    case X86_INS_VBROADCASTF128:
      DO(broadcast(16));
    case X86_INS_VEXTRACTF128: case X86_INS_VEXTRACTI128:
      DO(extract_half());
    case X86_INS_VINSERTF128: case X86_INS_VINSERTI128:
      DO(insert_half());
    case X86_INS_VPERM2F128: case X86_INS_VPERM2I128:
      DO(permute_halves());
    case X86_INS_VPERMQ: case X86_INS_VPERMPD:
      DO(permute_quarters());
    BOTH(PSHUFD):
      DO(shuffle(4, 0, 4));
    BOTH(PSHUFLW): case X86_INS_PSHUFW:
      DO(shuffle(2, 0, 4));
    BOTH(PSHUFHW):
      DO(shuffle(2, 8, 4));
    BOTH(PSHUFB):
      DO(shuffle_bytes());
    BOTH(SHUFPS):
      DO(shuffle_two(4));
    BOTH(SHUFPD):
      DO(shuffle_two(8));
    BOTH(BLENDPS): case X86_INS_VPBLENDD:
      DO(blend(4));
    BOTH(BLENDPD):
      DO(blend(8));
    BOTH(PBLENDW):
      DO(blend(2));
    BOTH(PBLENDVB):
      DO(blend_variable(1));
    BOTH(BLENDVPS):
      DO(blend_variable(4));
    BOTH(BLENDVPD):
      DO(blend_variable(8));
    BOTH(PEXTRB):
      DO(extract(1));
    BOTH(PEXTRW):
      DO(extract(2));
    BOTH(PEXTRD): BOTH(EXTRACTPS):
      DO(extract(4));
    BOTH(PEXTRQ):
      DO(extract(8));
    BOTH(PINSRB):
      DO(insert(1));
    BOTH(PINSRW):
      DO(insert(2));
    BOTH(PINSRD):
      DO(insert(4));
    BOTH(PINSRQ):
      DO(insert(8));
    BOTH(INSERTPS):
      DO(insert_single());
    BOTH(PUNPCKLBW):
      DO(unpack(1, false));
    BOTH(PUNPCKLWD):
      DO(unpack(2, false));
    BOTH(PUNPCKLDQ): BOTH(UNPCKLPS):
      DO(unpack(4, false));
    BOTH(PUNPCKLQDQ): BOTH(UNPCKLPD):
      DO(unpack(8, false));
    BOTH(PUNPCKHBW):
      DO(unpack(1, true));
    BOTH(PUNPCKHWD):
      DO(unpack(2, true));
    BOTH(PUNPCKHDQ): BOTH(UNPCKHPS):
      DO(unpack(4, true));
    BOTH(PUNPCKHQDQ): BOTH(UNPCKHPD):
      DO(unpack(8, true));
    BOTH(PALIGNR):
      DO(align());
    BOTH(PSLLDQ):
      DO(shift_whole(OpCode::kShiftLeft));
    BOTH(PSRLDQ):
      DO(shift_whole(OpCode::kShiftRight));
    BOTH(PMOVMSKB):
      DO(sign_bits(1));
    BOTH(MOVMSKPS):
      DO(sign_bits(4));
    BOTH(MOVMSKPD):
      DO(sign_bits(8));
    BOTH(PMOVZXBW):
      DO(extend(2, 1, false));
    BOTH(PMOVZXBD):
      DO(extend(4, 1, false));
    BOTH(PMOVZXBQ):
      DO(extend(8, 1, false));
    BOTH(PMOVZXWD):
      DO(extend(4, 2, false));
    BOTH(PMOVZXWQ):
      DO(extend(8, 2, false));
    BOTH(PMOVZXDQ):
      DO(extend(8, 4, false));
    BOTH(PMOVSXBW):
      DO(extend(2, 1, true));
    BOTH(PMOVSXBD):
      DO(extend(4, 1, true));
    BOTH(PMOVSXBQ):
      DO(extend(8, 1, true));
    BOTH(PMOVSXWD):
      DO(extend(4, 2, true));
    BOTH(PMOVSXWQ):
      DO(extend(8, 2, true));
    BOTH(PMOVSXDQ):
      DO(extend(8, 4, true));
    case X86_INS_VPERMILPS:
      if (!e.is_imm(e.count() - 1)) DO(mixed());
      DO(shuffle(4, 0, 4));
    case X86_INS_VPERMILPD: case X86_INS_VPERMD: case X86_INS_VPERMPS:
      if (e.is_imm(e.count() - 1)) DO(convert(16, 16));
      DO(mixed());
    case X86_INS_EMMS: case X86_INS_FEMMS:
      return true;
    case X86_INS_VZEROUPPER:
      DO(zero(false));
    case X86_INS_VZEROALL:
      DO(zero(true));
    default:
      return false;
  }
}

bool Vector::decode_packed_integers() {
  const bool same = same_sources();
  switch (e.insn().id) {
    BOTH(PXOR): BOTH(XORPS): BOTH(XORPD): BOTH(PANDN): BOTH(ANDNPS): BOTH(ANDNPD): BOTH(PSUBB):
    BOTH(PSUBSB): BOTH(PSUBUSB): BOTH(PCMPEQB): BOTH(PCMPGTB):
      if (same) DO(none());
      DO(bytes());
    BOTH(PAND): BOTH(POR): BOTH(ANDPS): BOTH(ANDPD): BOTH(ORPS): BOTH(ORPD): BOTH(PADDB):
    BOTH(PADDSB): BOTH(PADDUSB): BOTH(PAVGB): BOTH(PMAXUB): BOTH(PMINUB): BOTH(PMAXSB):
    BOTH(PMINSB): BOTH(PSIGNB):
      DO(bytes());
    BOTH(PSUBW):
      if (same) DO(none());
      DO(sums(2));
    BOTH(PSUBD):
      if (same) DO(none());
      DO(sums(4));
    BOTH(PSUBQ):
      if (same) DO(none());
      DO(sums(8));
    BOTH(PADDW): BOTH(PMULLW):
      DO(sums(2));
    BOTH(PADDD): BOTH(PMULLD):
      DO(sums(4));
    BOTH(PADDQ):
      DO(sums(8));
    BOTH(PCMPEQW): BOTH(PCMPGTW): BOTH(PSUBSW): BOTH(PSUBUSW):
      if (same) DO(none());
      DO(lanes(2));
    BOTH(PCMPEQD): BOTH(PCMPGTD):
      if (same) DO(none());
      DO(lanes(4));
    BOTH(PCMPEQQ): BOTH(PCMPGTQ):
      if (same) DO(none());
      DO(lanes(8));
    BOTH(PADDSW): BOTH(PADDUSW): BOTH(PAVGW): BOTH(PMAXSW): BOTH(PMAXUW): BOTH(PMINSW):
    BOTH(PMINUW): BOTH(PMULHW): BOTH(PMULHUW): BOTH(PMULHRSW): BOTH(PSIGNW): BOTH(PMADDUBSW):
      DO(lanes(2));
    BOTH(PMAXSD): BOTH(PMAXUD): BOTH(PMINSD): BOTH(PMINUD): BOTH(PMADDWD): BOTH(PSIGND):
    case X86_INS_VPSLLVD: case X86_INS_VPSRLVD: case X86_INS_VPSRAVD:
      DO(lanes(4));
    BOTH(PMULUDQ): BOTH(PMULDQ): BOTH(PSADBW): case X86_INS_VPSLLVQ: case X86_INS_VPSRLVQ:
      DO(lanes(8));
    BOTH(PHADDW): BOTH(PHADDSW): BOTH(PHSUBW): BOTH(PHSUBSW):
      DO(pairs(2));
    BOTH(PHADDD): BOTH(PHSUBD):
      DO(pairs(4));
    BOTH(PACKSSWB): BOTH(PACKUSWB):
      DO(pack(2));
    BOTH(PACKSSDW): BOTH(PACKUSDW):
      DO(pack(4));
    BOTH(PSLLW):
      DO(shift(OpCode::kShiftLeft, 2));
    BOTH(PSLLD):
      DO(shift(OpCode::kShiftLeft, 4));
    BOTH(PSLLQ):
      DO(shift(OpCode::kShiftLeft, 8));
    BOTH(PSRLW):
      DO(shift(OpCode::kShiftRight, 2));
    BOTH(PSRLD):
      DO(shift(OpCode::kShiftRight, 4));
    BOTH(PSRLQ):
      DO(shift(OpCode::kShiftRight, 8));
    BOTH(PSRAW):
      DO(shift(OpCode::kShiftArithmetic, 2));
    BOTH(PSRAD):
      DO(shift(OpCode::kShiftArithmetic, 4));
    BOTH(PABSB):
      DO(convert(1, 1));
    BOTH(PABSW):
      DO(convert(2, 2));
    BOTH(PABSD):
      DO(convert(4, 4));
    BOTH(MPSADBW): BOTH(PCLMULQDQ): case X86_INS_SHA1MSG1: case X86_INS_SHA1MSG2:
    case X86_INS_SHA1NEXTE: case X86_INS_SHA1RNDS4: case X86_INS_SHA256MSG1:
    case X86_INS_SHA256MSG2: BOTH(AESENC): BOTH(AESENCLAST): BOTH(AESDEC): BOTH(AESDECLAST):
      DO(mixed());
    case X86_INS_SHA256RNDS2:
      DO(mixed(true));
    BOTH(AESIMC): BOTH(AESKEYGENASSIST): BOTH(PHMINPOSUW):
      DO(convert(16, 16));
    default:
      return false;
  }
}

bool Vector::decode_floats() {
  switch (e.insn().id) {
    BOTH(ADDPS): BOTH(SUBPS): BOTH(MULPS): BOTH(DIVPS): BOTH(MINPS): BOTH(MAXPS): BOTH(ADDSUBPS):
      DO(lanes(4));
    BOTH(ADDPD): BOTH(SUBPD): BOTH(MULPD): BOTH(DIVPD): BOTH(MINPD): BOTH(MAXPD): BOTH(ADDSUBPD):
      DO(lanes(8));
    BOTH(ADDSS): BOTH(SUBSS): BOTH(MULSS): BOTH(DIVSS): BOTH(MINSS): BOTH(MAXSS):
      DO(scalar(4));
    BOTH(ADDSD): BOTH(SUBSD): BOTH(MULSD): BOTH(DIVSD): BOTH(MINSD): BOTH(MAXSD):
      DO(scalar(8));
    BOTH(SQRTPS): BOTH(RSQRTPS): BOTH(RCPPS): BOTH(ROUNDPS): BOTH(CVTDQ2PS): BOTH(CVTPS2DQ):
    BOTH(CVTTPS2DQ):
      DO(convert(4, 4));
    BOTH(SQRTPD): BOTH(ROUNDPD):
      DO(convert(8, 8));
    BOTH(SQRTSS): BOTH(RSQRTSS): BOTH(RCPSS): BOTH(ROUNDSS):
      DO(round_scalar(4));
    BOTH(SQRTSD): BOTH(ROUNDSD):
      DO(round_scalar(8));
    BOTH(CVTPS2PD): BOTH(CVTDQ2PD): case X86_INS_CVTPI2PD:
      DO(convert(8, 4));
    BOTH(CVTPD2PS): BOTH(CVTPD2DQ): BOTH(CVTTPD2DQ): case X86_INS_CVTPD2PI:
    case X86_INS_CVTTPD2PI: case X86_INS_VCVTPD2PSX: case X86_INS_VCVTPD2DQX:
    case X86_INS_VCVTTPD2DQX:
      DO(convert(4, 8));
    case X86_INS_CVTPS2PI: case X86_INS_CVTTPS2PI:
      DO(e.lanes(d(), 4, source(8), 4));
    case X86_INS_CVTPI2PS:
      DO(e.lanes(d().low(8), 4, source(8), 4));
    BOTH(CVTSS2SD):
      DO(convert_scalar(8, 4));
    BOTH(CVTSD2SS):
      DO(convert_scalar(4, 8));
    BOTH(CVTSI2SS):
      DO(convert_scalar(4, e.operand(sources() - 1).size));
    BOTH(CVTSI2SD):
      DO(convert_scalar(8, e.operand(sources() - 1).size));
    BOTH(CVTSS2SI): BOTH(CVTTSS2SI):
      DO(to_integer(4));
    BOTH(CVTSD2SI): BOTH(CVTTSD2SI):
      DO(to_integer(8));
    case X86_INS_VCVTPH2PS:
      DO(convert(4, 2));
    BOTH(HADDPS): BOTH(HSUBPS):
      DO(pairs(4));
    BOTH(HADDPD): BOTH(HSUBPD):
      DO(pairs(8));
    BOTH(DPPS): BOTH(DPPD):
      DO(mixed());
    BOTH(UCOMISS): BOTH(COMISS):
      DO(compare_to_flags(4));
    BOTH(UCOMISD): BOTH(COMISD):
      DO(compare_to_flags(8));
    default:
      return false;
  }
}

bool Vector::decode_rest() {
  switch (e.insn().id) {
    BOTH(PTEST): case X86_INS_VTESTPS: case X86_INS_VTESTPD:
      DO(test());
    BOTH(PCMPESTRI):
      DO(compare_strings(true, false));
    BOTH(PCMPISTRI):
      DO(compare_strings(false, false));
    BOTH(PCMPESTRM):
      DO(compare_strings(true, true));
    BOTH(PCMPISTRM):
      DO(compare_strings(false, true));
    default:
      return false;
  }
}

#undef BOTH
#undef DO
// clang-format on

// CMPPS and so on: Capstone has an instruction for each predicate, in a row for each type.
bool Vector::decode_comparison() {
  const unsigned id = e.insn().id;
  const auto is_in = [id](unsigned first, unsigned last) { return first <= id && id <= last; };
  if (is_in(X86_INS_CMPSS, X86_INS_CMPORDSS) || is_in(X86_INS_VCMPSS, X86_INS_VCMPTRUE_USSS))
    scalar(4);
  else if (is_in(X86_INS_CMPSD, X86_INS_CMPORDSD) || is_in(X86_INS_VCMPSD, X86_INS_VCMPTRUE_USSD))
    scalar(8);
  else if (is_in(X86_INS_CMPPS, X86_INS_CMPORDPS) || is_in(X86_INS_VCMPPS, X86_INS_VCMPTRUE_USPS))
    lanes(4);
  else if (is_in(X86_INS_CMPPD, X86_INS_CMPORDPD) || is_in(X86_INS_VCMPPD, X86_INS_VCMPTRUE_USPD))
    lanes(8);
  else
    return false;
  return true;
}

// FMA: VEX.0F38 96 to BF, of which odd ones from 99 on are scalar; W says which type.
bool Vector::decode_multiply_add() {
  if (!vex_) return false;
  const uint8_t* at = e.insn().bytes;
  while (*at != 0xc4 && at < e.insn().bytes + e.insn().size) ++at;
  if (e.insn().size - (at - e.insn().bytes) < 5 || *at != 0xc4 || (at[1] & 0x1f) != 2) return false;
  const unsigned opcode = at[3], low = opcode & 0xf;
  if (opcode < 0x96 || opcode > 0xbf || low < 6) return false;
  multiply_add((at[2] & 0x80) != 0 ? 8 : 4, low >= 9 && (low & 1) != 0);
  return true;
}

bool Vector::decode() {
  if (has_evex(e) || e.count() == 0) {
    // Of those without operands, some are vectors'.
    return e.count() == 0 && decode_moves();
  }
  return decode_moves() || decode_packed_integers() || decode_floats() || decode_rest() ||
         decode_comparison() || decode_multiply_add();
}

}  // namespace

bool decode_vector(Emitter& e) { return Vector(e).decode(); }

}  // namespace fptrace::emu::taint
