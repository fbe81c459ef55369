#include <algorithm>
#include <bitset>

#include "backends/emu/taint/decode.h"

namespace fptrace::emu::taint {
namespace {

RegisterMask bit_of(uint32_t place) {
  if (place < kVectors) return RegisterMask{1} << (kGprBit + (place - kGprs) / kGprBytes);
  if (place < kX87) {
    const uint32_t index = (place - kVectors) / kVectorBytes;
    const bool is_high = (place - kVectors) % kVectorBytes >= kVectorBytes / 2;
    return RegisterMask{1} << ((is_high ? kHighBit : kVectorBit) + index);
  }
  if (place < kFlags) return RegisterMask{1} << (kX87Bit + (place - kX87) / kX87Bytes);
  if (place < kTemps) return RegisterMask{1} << (kFlagBit + (place - kFlags));
  return 0;
}

template <class Use>
void flags_of(uint8_t set, Use use) {
  for (uint16_t i = 0; i < kFlagCount; ++i)
    if ((set >> i & 1) != 0) use(flag_at(i), 1u);
}

template <class Use>
void string_uses(const Op& op, Use& use) {
  const bool repeated = op.c != 0;
  const auto update = [&use](unsigned gpr) {
    use.read(gpr_at(gpr), kGprBytes);
    use.write(gpr_at(gpr), kGprBytes);
  };
  const auto write = [&use](uint16_t place, unsigned size) { use.write(place, size); };
  const auto read = [&use](uint16_t place, unsigned size) { use.read(place, size); };
  switch (StringKind(op.n)) {
    case kStos:
      return use.read(gpr_at(0), op.w);
    case kLods:
      // None or one or more elements.
      if (repeated) use.read(gpr_at(0), kGprBytes);
      return use.write(gpr_at(0), op.w == 4 ? 8 : op.w);
    case kScas:
      use.read(gpr_at(0), op.w);
      [[fallthrough]];
    case kCmps:
      if (repeated) {
        flags_of(kAllFlags, read);
        update(2);
        update(5);
        if (op.n == kCmps) update(4);
      }
      return flags_of(kAllFlags, write);
    case kMovs:
    case kIns:
    case kOuts:
      return;
  }
}

// Calls use.read(place, size), use.address(place, size) for what counts under the policy for
// pointers only, and then use.write(place, size), for all that the operation does to registers; for
// the stack of the x87 use.rotate().
template <class Use>
void uses_of(const Op& op, Use& use) {
  const auto write = [&use](uint16_t place, unsigned size) { use.write(place, size); };
  const auto read = [&use](uint16_t place, unsigned size) { use.read(place, size); };
  switch (op.code) {
    case OpCode::kClear:
    case OpCode::kLoad:
      return use.write(op.dst, op.n);
    case OpCode::kKeep:
      for (uint16_t i = 0; i < op.n; ++i)
        if ((op.c >> i & 1) != 0) use.read(op.a + i, 1);
      return use.write(op.dst, op.n);
    case OpCode::kCopy:
    case OpCode::kReverse:
    case OpCode::kShiftLeft:
    case OpCode::kShiftRight:
    case OpCode::kShiftArithmetic:
    case OpCode::kRotateLeft:
      use.read(op.a, op.n);
      return use.write(op.dst, op.n);
    case OpCode::kJoin:
    case OpCode::kUnion:
    case OpCode::kCarry:
      use.read(op.a, op.n);
      use.read(op.b, op.n);
      return use.write(op.dst, op.n);
    case OpCode::kInterleave:
      use.read(op.a, op.n / 2u);
      use.read(op.b, op.n / 2u);
      return use.write(op.dst, op.n);
    case OpCode::kMix:
      use.read(op.a, op.c);
      return use.write(op.dst, op.n);
    case OpCode::kMixInto:
    case OpCode::kSpread:
      use.read(op.a, op.c);
      use.read(op.dst, op.n);
      return use.write(op.dst, op.n);
    case OpCode::kLanes:
      use.read(op.a, uint32_t(op.n / op.w * op.c));
      return use.write(op.dst, op.n);
    case OpCode::kArithmetic:
      use.read(op.a, op.n);
      use.read(op.b, op.n);
      use.write(op.dst, op.n);
      return flags_of(op.w, write);
    case OpCode::kCompare:
      use.read(op.a, op.n);
      use.read(op.b, op.n);
      return flags_of(kAllFlags, write);
    case OpCode::kLogic:
      use.read(op.a, op.n);
      use.read(op.b, op.n);
      use.write(op.dst, op.n);
      return flags_of(kAllFlags, write);
    case OpCode::kFlags:
      use.read(op.a, op.c);
      return flags_of(op.w, write);
    case OpCode::kPickFlags:
      flags_of(op.w, read);
      return use.write(op.dst, op.n);
    case OpCode::kStore:
      return use.read(op.dst, op.n);
    case OpCode::kAddress:
      use.address(op.a, op.w);
      if (op.b != kNoPlace) use.address(op.b, op.w);
      return;
    case OpCode::kRestore:
      use.read(op.dst, op.n);
      return use.write(op.dst, op.n);
    case OpCode::kString:
      return string_uses(op, use);
    case OpCode::kBranchIf:
      return flags_of(op.w, read);
    case OpCode::kBranch:
    case OpCode::kJump:
    case OpCode::kUnmodelled:
      return use.read(op.a, op.c);
    case OpCode::kPushX87:
    case OpCode::kPopX87:
      return use.rotate();
    case OpCode::kClearArea:
    case OpCode::kCount:
      return;
  }
}

// --- Summaries -----------------------------------------------------------------------------------

// Which bytes are written on the way, for a read of these takes nothing in.
class Track {
 public:
  void read(uint32_t place, uint32_t size) {
    for (uint32_t i = place; i < place + size; ++i)
      if (!written_[i]) summary_.reads |= bit_of(i);
  }
  void address(uint32_t place, uint32_t size) {
    for (uint32_t i = place; i < place + size; ++i)
      if (!written_[i]) summary_.address_reads |= bit_of(i);
  }
  void write(uint32_t place, uint32_t size) {
    for (uint32_t i = place; i < place + size; ++i) written_.set(i);
  }
  void rotate() {
    summary_.reads |= kX87Mask;
    summary_.writes |= kX87Mask;
    rotated_ = true;
  }
  Summary finish();

 private:
  void whole(uint16_t place, uint16_t size, uint16_t needed);

  std::bitset<kShadowBytes> written_;
  Summary summary_;
  bool rotated_ = false;
};

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
  for (unsigned i = 0; i < 2 * kVectorCount; ++i) whole(uint16_t(kVectors + 16 * i), 16, 16);
  for (unsigned i = 0; i < kX87Count; ++i) whole(x87_at(i), kX87Bytes, 10);
  for (unsigned i = 0; i < kFlagCount; ++i) whole(flag_at(i), 1, 1);
  if (rotated_) summary_.kills &= ~kX87Mask;  // which one it was depends on when
  return summary_;
}

// --- What is never looked at ---------------------------------------------------------------------

// Goes from the last operation to the first. Where they may stop, all registers are looked at.
class Liveness {
 public:
  Liveness() {
    for (uint32_t i = 0; i < kTemps; ++i) live_.set(i);
  }
  // What is left of the operation: false, nothing.
  bool trim(Op& op);

  void read(uint32_t place, uint32_t size) { mark(reads_, place, size); }
  void address(uint32_t place, uint32_t size) { mark(reads_, place, size); }
  void write(uint32_t place, uint32_t size) { mark(writes_, place, size); }
  void rotate() { mark(reads_, kX87, kX87Bytes * kX87Count); }
  // All of these registers are looked at.
  void keep(RegisterMask registers) {
    for (uint32_t i = 0; i < kTemps; ++i)
      if ((registers & bit_of(i)) != 0) live_.set(i);
  }

 private:
  using Bytes = std::bitset<kShadowBytes>;
  static void mark(Bytes& bytes, uint32_t place, uint32_t size) {
    for (uint32_t i = place; i < place + size; ++i) bytes.set(i);
  }
  static bool has_effect(OpCode code);
  bool is_live(uint32_t place, uint32_t size) const {
    for (uint32_t i = place; i < place + size; ++i)
      if (live_[i]) return true;
    return false;
  }

  Bytes live_, reads_, writes_;
};

// But on registers; a load removes stale labels.
bool Liveness::has_effect(OpCode code) {
  switch (code) {
    case OpCode::kLoad:
    case OpCode::kStore:
    case OpCode::kClearArea:
    case OpCode::kAddress:
    case OpCode::kRestore:
    case OpCode::kString:
    case OpCode::kBranch:
    case OpCode::kBranchIf:
    case OpCode::kJump:
    case OpCode::kUnmodelled:
    case OpCode::kPushX87:
    case OpCode::kPopX87:
      return true;
    default:
      return false;
  }
}

bool Liveness::trim(Op& op) {
  if ((op.code == OpCode::kArithmetic || op.code == OpCode::kLogic) && !is_live(kFlags, 6)) {
    const bool carries = op.code == OpCode::kArithmetic;
    op.code = carries ? OpCode::kCarry : OpCode::kUnion;
    op.w = carries ? op.n : 0;
  }
  reads_.reset();
  writes_.reset();
  uses_of(op, *this);
  if (!has_effect(op.code) && (writes_ & live_).none()) return false;
  live_ &= ~writes_;
  live_ |= reads_;
  return true;
}

}  // namespace

Summary summarise(std::span<const Op> ops) {
  Track track;
  for (const Op& op : ops) uses_of(op, track);
  return track.finish();
}

void Decoder::finish(Block& block) {
  block.summary = summarise(block.ops);
  block.whole_ops.clear();
  Liveness liveness;
  // Backwards, then turned round, with each instruction's share.
  for (size_t i = block.instructions.size(); i-- > 0;) {
    Instruction& instruction = block.instructions[i];
    const size_t before = block.whole_ops.size();
    for (uint32_t at = instruction.op_count; at-- > 0;) {
      Op op = block.ops[instruction.first_op + at];
      if (liveness.trim(op)) block.whole_ops.push_back(op);
    }
    // Of these it can be seen whether they were executed, be it for a label that they do not use.
    if ((instruction.flags & (Instruction::kUnmodelled | Instruction::kAnyAccesses)) != 0)
      liveness.keep(instruction.summary.reads | instruction.summary.address_reads);
    instruction.whole_op_count = uint16_t(block.whole_ops.size() - before);
    instruction.first_whole_op = uint32_t(block.whole_ops.size());
  }
  std::reverse(block.whole_ops.begin(), block.whole_ops.end());
  for (Instruction& instruction : block.instructions)
    instruction.first_whole_op = uint32_t(block.whole_ops.size()) - instruction.first_whole_op;
}

}  // namespace fptrace::emu::taint
