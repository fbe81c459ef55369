#include <bitset>
#include <initializer_list>

#include "backends/emu/taint/decode.h"

namespace fptrace::emu::taint {
namespace {

RegisterMask bit_of(uint16_t place) {
  if (place < kVectors) return RegisterMask{1} << (kGprBit + unsigned(place - kGprs) / kGprBytes);
  if (place < kX87)
    return RegisterMask{1} << (kVectorBit + unsigned(place - kVectors) / kVectorBytes);
  if (place < kFlags) return RegisterMask{1} << (kX87Bit + unsigned(place - kX87) / kX87Bytes);
  if (place < kTemps) return RegisterMask{1} << (kFlagBit + unsigned(place - kFlags));
  return 0;
}

// Which bytes are written on the way, for a read of these takes nothing in.
class Track {
 public:
  void read(uint32_t place, uint32_t size) {
    for (uint32_t i = place; i < place + size; ++i)
      if (!written_[i]) summary_.reads |= bit_of(uint16_t(i));
  }
  void read_address(uint16_t place, uint32_t size) {
    if (place == kNoPlace) return;
    for (uint32_t i = place; i < place + size; ++i)
      if (!written_[i]) summary_.address_reads |= bit_of(uint16_t(i));
  }
  void write(uint32_t place, uint32_t size) {
    for (uint32_t i = place; i < place + size; ++i) written_.set(i);
  }
  void update(uint32_t place, uint32_t size) {
    read(place, size);
    write(place, size);
  }
  void write_flags(uint8_t set) {
    for (uint16_t i = 0; i < kFlagCount; ++i)
      if (set >> i & 1) write(flag_at(i), 1);
  }
  void read_flags(uint8_t set) {
    for (uint16_t i = 0; i < kFlagCount; ++i)
      if (set >> i & 1) read(flag_at(i), 1);
  }
  void rotate_x87() {
    summary_.reads |= kX87Mask;
    summary_.writes |= kX87Mask;
    rotated_ = true;
  }
  void op(const Op& op);
  Summary finish();

 private:
  void string(const Op& op);
  void whole(uint16_t place, uint16_t size, uint16_t needed);

  std::bitset<kShadowBytes> written_;
  Summary summary_;
  bool rotated_ = false;
};

void Track::string(const Op& op) {
  const bool repeated = op.c != 0;
  switch (StringKind(op.n)) {
    case kStos:
      read(gpr_at(0), op.w);
      break;
    case kLods:
      // None or one or more elements.
      if (repeated) read(gpr_at(0), kGprBytes);
      write(gpr_at(0), op.w == 4 ? 8 : op.w);
      break;
    case kScas:
      read(gpr_at(0), op.w);
      [[fallthrough]];
    case kCmps:
      if (repeated) {
        read_flags(kAllFlags);
        update(gpr_at(2), kGprBytes);
        update(gpr_at(5), kGprBytes);
        if (op.n == kCmps) update(gpr_at(4), kGprBytes);
      }
      write_flags(kAllFlags);
      break;
    case kMovs:
    case kIns:
    case kOuts:
      break;
  }
}

void Track::op(const Op& op) {
  switch (op.code) {
    case OpCode::kClear:
      return write(op.dst, op.n);
    case OpCode::kKeep:
      for (uint16_t i = 0; i < op.n; ++i)
        if (op.c >> i & 1) read(op.a + i, 1);
      return write(op.dst, op.n);
    case OpCode::kCopy:
    case OpCode::kReverse:
    case OpCode::kShiftLeft:
    case OpCode::kShiftRight:
    case OpCode::kShiftArithmetic:
    case OpCode::kRotateLeft:
      read(op.a, op.n);
      return write(op.dst, op.n);
    case OpCode::kJoin:
    case OpCode::kUnion:
    case OpCode::kCarry:
      read(op.a, op.n);
      read(op.b, op.n);
      return write(op.dst, op.n);
    case OpCode::kMix:
      read(op.a, op.c);
      return write(op.dst, op.n);
    case OpCode::kMixInto:
    case OpCode::kSpread:
      read(op.a, op.c);
      return update(op.dst, op.n);
    case OpCode::kInterleave:
      read(op.a, op.n / 2u);
      read(op.b, op.n / 2u);
      return write(op.dst, op.n);
    case OpCode::kLanes:
      read(op.a, uint32_t(op.n / op.w * op.c));
      return write(op.dst, op.n);
    case OpCode::kArithmetic:
      read(op.a, op.n);
      read(op.b, op.n);
      write(op.dst, op.n);
      return write_flags(op.w);
    case OpCode::kLogic:
      read(op.a, op.n);
      read(op.b, op.n);
      write(op.dst, op.n);
      return write_flags(kAllFlags);
    case OpCode::kFlags:
      read(op.a, op.c);
      return write_flags(op.w);
    case OpCode::kPickFlags:
      read_flags(op.w);
      return write(op.dst, op.n);
    case OpCode::kLoad:
      return write(op.dst, op.n);
    case OpCode::kStore:
      return read(op.dst, op.n);
    case OpCode::kAddress:
      read_address(op.a, op.w);
      return read_address(op.b, op.w);
    case OpCode::kRestore:
      return update(op.dst, op.n);
    case OpCode::kString:
      return string(op);
    case OpCode::kBranch:
    case OpCode::kJump:
    case OpCode::kUnmodelled:
      return read(op.a, op.c);
    case OpCode::kPushX87:
    case OpCode::kPopX87:
      return rotate_x87();
    case OpCode::kClearArea:
    case OpCode::kCount:
      return;
  }
}

void Track::whole(uint16_t place, uint16_t size, uint16_t needed) {
  uint16_t count = 0;
  for (uint16_t i = 0; i < size; ++i) count = uint16_t(count + written_[uint16_t(place + i)]);
  if (count == 0) return;
  const RegisterMask bit = bit_of(place);
  summary_.writes |= bit;
  if (count >= needed)
    summary_.kills |= bit;
  else
    summary_.reads |= bit;  // what it keeps is an input, too
}

Summary Track::finish() {
  for (unsigned i = 0; i < kGprCount; ++i) whole(gpr_at(i), kGprBytes, kGprBytes);
  for (unsigned i = 0; i < kVectorCount; ++i) whole(vector_at(i), kVectorBytes, kVectorBytes);
  for (unsigned i = 0; i < kX87Count; ++i) whole(x87_at(i), kX87Bytes, 10);
  for (unsigned i = 0; i < kFlagCount; ++i) whole(flag_at(i), 1, 1);
  if (rotated_) summary_.kills &= ~kX87Mask;  // which one it was depends on when
  return summary_;
}

}  // namespace

Summary summarise(std::span<const Op> ops) {
  Track track;
  for (const Op& op : ops) track.op(op);
  return track.finish();
}

}  // namespace fptrace::emu::taint
