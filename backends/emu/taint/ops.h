#pragma once
#include <cstdint>

// What an instruction does to labels: a few operations on an array of labels, one for each byte of
// the registers and of some temporaries. Interpreted by execute.cc; whatever else executes them has
// to give the same ids.

namespace fptrace::emu::taint {

// --- Places: indices of bytes in RegisterShadow::bytes -------------------------------------------

// General registers as numbered by emu::Gpr, low byte first; vector registers; st(0) to st(7) as
// the stack stands now, of 10 bytes, each in 16 (mm0 to mm7 are their low bytes, as if st(0) were
// the first register: instructions of MMX make it so).
inline constexpr uint16_t kGprs = 0, kGprBytes = 8, kGprCount = 16;
inline constexpr uint16_t kVectors = 128, kVectorBytes = 32, kVectorCount = 16;
inline constexpr uint16_t kX87 = 640, kX87Bytes = 16, kX87Count = 8;
// One label a flag, which may be a passing set (see LabelSets); no other place has such. The last:
// the condition codes C0 to C3 of the x87.
enum FlagIndex : uint16_t { kCf, kPf, kAf, kZf, kSf, kOf, kFsw, kFlagCount = 8 };
inline constexpr uint16_t kFlags = 768;
// Good within one instruction only.
inline constexpr uint16_t kTemps = 784, kTempBytes = 32, kTempCount = 8;
// Labels of the address of the load to come; see OpCode::kAddress.
inline constexpr uint16_t kAddressLabel = 1040;
inline constexpr uint16_t kShadowBytes = 1048;

constexpr uint16_t gpr_at(unsigned index) { return uint16_t(kGprs + index * kGprBytes); }
constexpr uint16_t vector_at(unsigned index) { return uint16_t(kVectors + index * kVectorBytes); }
constexpr uint16_t x87_at(unsigned index) { return uint16_t(kX87 + index * kX87Bytes); }
constexpr uint16_t flag_at(unsigned index) { return uint16_t(kFlags + index); }
constexpr uint16_t temp_at(unsigned index) { return uint16_t(kTemps + index * kTempBytes); }

// Sets of flags, as in Op::w.
inline constexpr uint8_t kSetCf = 1 << kCf, kSetPf = 1 << kPf, kSetAf = 1 << kAf, kSetZf = 1 << kZf,
                         kSetSf = 1 << kSf, kSetOf = 1 << kOf, kSetFsw = 1 << kFsw;
inline constexpr uint8_t kAllFlags = kSetCf | kSetPf | kSetAf | kSetZf | kSetSf | kSetOf;

// --- Masks: a bit a register ---------------------------------------------------------------------

using RegisterMask = uint64_t;
// A vector register has two, for its lower half, which is xmm, and for the rest.
inline constexpr unsigned kGprBit = 0, kVectorBit = 16, kX87Bit = 32, kFlagBit = 40, kHighBit = 48;
inline constexpr RegisterMask kX87Mask = RegisterMask{0xff} << kX87Bit;
inline constexpr RegisterMask kFlagMask = RegisterMask{0xff} << kFlagBit;

// --- Operations ----------------------------------------------------------------------------------

// In what follows: D, A, B are the n bytes from dst, a, b; `+` is LabelSets::join; C(x) is
// LabelSets::computed; all inputs are read before the output is written, so they may overlap,
// unless it says otherwise.
enum class OpCode : uint8_t {
  kClear,    // D[i] = none
  kCopy,     // D[i] = A[i]
  kKeep,     // D[i] = A[i] where bit i of c, else none; n <= 16
  kJoin,     // D[i] = A[i] + B[i]
  kUnion,    // D[i] = C(A[i] + B[i])
  kMix,      // D[i] = C(A[0] + ... + A[c-1])
  kMixInto,  // D[i] = D[i] + C(A[0] + ... + A[c-1])
  kSpread,   // D[i] = D[i] + A[0] + ... + A[c-1]: as kMixInto, but the bytes are copied or not
  kReverse,  // D[i] = A[n-1-i]

  // Lanes: D in lanes of w bytes, A in lanes of c bytes, as many as fill D.
  kLanes,  // D's lane, each byte = C(all of A's lane)
  kCarry,  // D[i] = C(A[j] + B[j] for the bytes j up to i of i's lane of w bytes): sums
  // Lanes of w bytes, in turn from A and from B, n / 2 bytes of each.
  kInterleave,
  // By b bits, which is less than 8*w; in A's and D's lanes of w bytes. A byte that comes from one
  // byte of A has its label, one from two parts has C of both.
  kShiftLeft,
  kShiftRight,       // zeros come in
  kShiftArithmetic,  // the sign comes in
  kRotateLeft,       // by b bits

  // As kCarry with w = n, and the flags of the set w: ZF, SF, CF, OF = C(all of A and B), AF and
  // PF = C(A[0] + B[0]).
  kArithmetic,
  // The flags as kArithmetic, all of them; there is no D.
  kCompare,
  // As kUnion, and ZF = C(all of A and B), SF = C(A[n-1] + B[n-1]), PF = C(A[0] + B[0]); CF, OF
  // and AF have none.
  kLogic,
  kFlags,      // those of the set w = C(A[0] + ... + A[c-1]); dst, n unused
  kPickFlags,  // D[i] = those of the set w, all in all

  // Memory. An instruction has one area that it loads from and one that it stores to, whose bytes
  // are counted from the lowest address accessed. `a` is where in the area the n bytes are. A byte
  // that no access covers has no label when loaded, and is not stored.
  kLoad,       // D[i] = the area's + kAddressLabel
  kStore,      // the area's = D[i]
  kClearArea,  // all that the instruction stored to has no labels
  kAddress,    // kAddressLabel = what the gprs at a and b have, all in all, under the policy for
               // pointers, else none. b = kNoPlace: one register only. w: their bytes
  // XRSTOR. Component b of the XSAVE area: as kLoad if the instruction loaded there. Else D is
  // cleared if the area's header says that b is as initialised, and stays as it is if not.
  kRestore,

  // w: bytes of an element, c: whether it is repeated, n: a StringKind. Acts on the accesses of the
  // instruction, pair by pair; see execute.cc.
  kString,

  // What is reported, see Finding.
  kBranch,      // a conditional branch on A[0] + ... + A[c-1]
  kBranchIf,    // the same on the flags of the set w, all in all
  kJump,        // a jump to the address in A[0] + ... + A[c-1]
  kUnmodelled,  // what the instruction does to A[0] + ... + A[c-1] is a guess that covers all

  // st(i) becomes st(i+1) and st(7) becomes st(0), or the other way round. On the labels of all of
  // kX87.
  kPushX87,
  kPopX87,

  kCount
};
inline constexpr uint16_t kNoPlace = 0xffff;

enum StringKind : uint8_t { kMovs, kStos, kLods, kScas, kCmps, kIns, kOuts };

struct Op {
  OpCode code;
  uint8_t n;  // bytes of D
  uint8_t w;
  uint8_t reserved;
  uint16_t dst, a, b, c;
};
static_assert(sizeof(Op) == 12);

}  // namespace fptrace::emu::taint
