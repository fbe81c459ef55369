#pragma once
#include <cstdint>
#include <vector>

#include "backends/emu/taint/access.h"
#include "backends/emu/taint/label_sets.h"
#include "backends/emu/taint/ops.h"

// What the second tier's compiler is given and what it gives: no LLVM here. The compiler is a
// module of its own, to be loaded only when blocks are hot; its three functions are at the end.

namespace fptrace::emu::taint::jit {

// What a plan expects of a block's accesses, in order: one access of this kind, or, size being 0,
// all of the instruction's, however many there are.
struct Step {
  uint16_t instruction;
  uint8_t size;
  uint8_t is_store;

  bool is(const Access& access) const {
    return access.instruction == instruction && access.size == size && access.is_store == is_store;
  }
};

struct PlannedInstruction {
  static constexpr uint32_t kNone = ~uint32_t{0};
  uint32_t first_op = 0, op_count = 0;   // of the plan
  uint16_t index = 0;                    // of the block
  bool interpreted = false;              // what it does is left to the interpreter
  uint32_t load = kNone, store = kNone;  // the step of its only one
  uint32_t step = kNone;                 // interpreted: of all its accesses
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
  LabelId* registers;      // RegisterShadow::bytes
  RegisterMask* labelled;  // RegisterShadow::labelled
  const Access* log;
  // With Plan::any_interpreted: of each step the first access, and one beyond the last.
  const Access* const* steps;
  void* caller;
};

// What it calls. `d` may not overlap inputs.
struct Helpers {
  void (*load)(Frame*, const Access*, uint32_t from, uint32_t size, LabelId* labels);
  void (*store)(Frame*, const Access*, const LabelId* labels);  // all of the access
  void (*clear)(Frame*, const Access*);
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
  void (*interpret)(Frame*, uint32_t instruction, const Access* first, const Access* last);
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
