#pragma once
#include <cstdint>
#include <vector>

#include "backends/emu/taint/access_words.h"
#include "backends/emu/taint/label_sets.h"
#include "backends/emu/taint/ops.h"

// What the second tier's compiler is given and what it gives: no LLVM here. The compiler is a
// module of its own, to be loaded only when blocks are hot; its three functions are at the end.

namespace fptrace::emu::taint::jit {

// What a plan expects of a block's accesses, in order: one access of this kind, or all of the
// instruction's, however many there are.
class Step {
 public:
  Step() = default;
  static Step one(uint16_t instruction, uint8_t size, bool is_store) {
    return Step(instruction, uint16_t(AccessWords::second(0, size, is_store, false)));
  }
  static Step all(uint16_t instruction) { return Step(instruction, 0); }

  bool is_all() const { return second_ == 0; }
  // How many words an access of this kind has: it is not one that reaches the next page.
  size_t words() const { return AccessWords::count(second_ & AccessWords::kSizeMask, false); }
  // Whether it is what these words begin with.
  bool is(const uint64_t* words) const {
    return has_instruction(words) && (words[1] & (AccessWords::kPageSize - 1)) == second_;
  }
  bool has_instruction(const uint64_t* words) const {
    return words[0] >> AccessWords::kAddressBits == first_;
  }

 private:
  Step(uint16_t instruction, uint16_t second)
      : first_(uint16_t(AccessWords::first(instruction, 0) >> AccessWords::kAddressBits)),
        second_(second) {}
  // What is above and below the addresses in the first two words.
  uint16_t first_ = 0, second_ = 0;
};

struct PlannedInstruction {
  static constexpr uint32_t kNone = ~uint32_t{0};
  uint32_t first_op = 0, op_count = 0;   // of the plan
  uint16_t index = 0;                    // of the block
  bool interpreted = false;              // what it does is left to the interpreter
  uint32_t load = kNone, store = kNone;  // the step of its only one
  uint8_t load_size = 0, store_size = 0;
  uint32_t step = kNone;  // interpreted: of all its accesses
};

// How to compile a block that was executed as a whole.
struct Plan {
  std::vector<Op> ops;
  std::vector<PlannedInstruction> instructions;
  std::vector<Step> steps;
  bool pointers = false, depth = false;
  bool any_interpreted = false;
};

// What compiled code works on.
struct Frame {
  LabelId* registers;        // RegisterShadow::bytes
  RegisterMask* labelled;    // RegisterShadow::labelled
  const uint64_t* accesses;  // as AccessWords
  // With Plan::any_interpreted: of each step the first access, and one beyond the last.
  const uint64_t* const* steps;
  void* caller;
};

// What it calls. `d` may not overlap inputs; an access is given by its words.
struct Helpers {
  // All of the access. By the logarithm of its size, which is up to 16.
  static constexpr uint32_t kSizes = 5;
  void (*load[kSizes])(Frame*, const uint64_t* access, uint32_t instruction, LabelId* labels);
  void (*store[kSizes])(Frame*, const uint64_t* access, const LabelId* labels);
  void (*clear)(Frame*, const uint64_t* access);
  // As in label_ops.h; the last two are computed() of what they join.
  LabelId (*join_all)(Frame*, const LabelId* a, uint32_t count);
  void (*join_each)(Frame*, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n);
  void (*carry)(Frame*, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n, uint32_t lane);
  // Compared::low, and in the upper half Compared::all.
  uint64_t (*compare)(Frame*, const LabelId* a, const LabelId* b, uint32_t n);
  LabelId (*logic)(Frame*, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n);
  LabelId (*keep)(Frame*, LabelId id);
  LabelId (*mix)(Frame*, const LabelId* a, uint32_t count);
  void (*unite_each)(Frame*, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n);
  // `kind` is a Finding::Kind; the label is not kNoLabel.
  void (*report)(Frame*, uint32_t kind, uint32_t instruction, LabelId label);
  void (*interpret)(Frame*, uint32_t instruction, const uint64_t* first, const uint64_t* last);
};

// Inputs that an operation has at most, or the interpreter does it.
inline constexpr uint32_t kMostLanes = 64;

using CompiledCode = void (*)(Frame*);

extern "C" {
// nullptr: the machine is not one that it makes code for. `helpers` must outlive it.
using MakeCompiler = void* (*)(const Helpers* helpers);
// nullptr: it could not. The code is good as long as the compiler. Any thread, one at a time.
using Compile = CompiledCode (*)(void* compiler, const Plan* plan);
using DestroyCompiler = void (*)(void* compiler);
}
inline constexpr char kMakeCompiler[] = "fptrace_taint_make_compiler";
inline constexpr char kCompile[] = "fptrace_taint_compile";
inline constexpr char kDestroyCompiler[] = "fptrace_taint_destroy_compiler";

}  // namespace fptrace::emu::taint::jit
