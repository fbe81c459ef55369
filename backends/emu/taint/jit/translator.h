#pragma once
#include <llvm-c/Core.h>

#include <vector>

#include "backends/emu/taint/execute.h"
#include "backends/emu/taint/jit/compiled.h"

namespace fptrace::emu::taint::jit {

// Turns a plan into a function of LLVM. The labels of a block's registers become values that are
// loaded when first needed and stored at its end: what is overwritten or only copied on the way
// costs nothing. Joins of what is equal or none are made in place, of many bytes at a time; all
// others by a helper, so that they are made in the interpreter's order and memoised alike.
class Translator {
 public:
  // Adds a function of this name to the module. `helpers` must outlive the function.
  Translator(LLVMModuleRef module, const char* name, const Helpers& helpers, const Plan& plan);
  ~Translator();
  Translator(const Translator&) = delete;
  Translator& operator=(const Translator&) = delete;
  void translate();

 private:
  using Value = LLVMValueRef;
  using Type = LLVMTypeRef;
  // A label of a byte: a lane of a vector, or with no vector none.
  struct Label {
    Value vector = nullptr;
    unsigned lane = 0;
    bool operator==(const Label&) const = default;
  };
  using Run = std::vector<Label>;
  struct Place {
    Label label;
    bool known = false;  // else it is what RegisterShadow has
    bool dirty = false;
  };

  void instruction(const PlannedInstruction& planned);
  void interpret(const PlannedInstruction& planned);
  void op(const Op& op, const PlannedInstruction& planned);
  void shift(const Op& op);
  void logic(const Op& op);
  void arithmetic(const Op& op);
  void compare(const Op& op);
  void interleave(const Op& op);
  void lanes(const Op& op);
  void address(const Op& op);
  void load(const PlannedInstruction& planned);
  void store(const Op& op, const PlannedInstruction& planned);
  void report(Finding::Kind kind, const Run& labels, const PlannedInstruction& planned);

  // Labels of places.
  Run get(unsigned place, unsigned count);
  void put(unsigned place, const Run& labels);
  void put_flags(unsigned set, Label label);
  // Of a sum, as the interpreter's.
  void put_sum_flags(unsigned set, Label low, Label all);
  Run get_flags(unsigned set);
  void write_back();
  Value has_label(const Run& labels);

  // As in label_ops.h; with depth, mix() and unite_each() and what follows take computed().
  Label join_all(const Run& labels) { return gather(labels, helpers_.join_all, false); }
  Label keep(Label label);
  Label mix(const Run& labels) { return gather(labels, helpers_.mix, plan_.depth); }
  Label gather(const Run& labels, LabelId (*helper)(Frame*, const LabelId*, uint32_t), bool deep);
  Run join_each(const Run& a, const Run& b) { return pairwise(a, b, helpers_.join_each, false); }
  Run unite_each(const Run& a, const Run& b) {
    return pairwise(a, b, helpers_.unite_each, plan_.depth);
  }
  using Pairwise = void (*)(Frame*, LabelId*, const LabelId*, const LabelId*, uint32_t);
  Run pairwise(const Run& a, const Run& b, Pairwise helper, bool deep);
  Run carry(const Run& a, const Run& b, unsigned lane);

  // Values.
  Type vector_type(size_t count) { return LLVMVectorType(i32_, unsigned(count)); }
  Value number(uint32_t value) { return LLVMConstInt(i32_, value, false); }
  Value zeros(size_t count) { return LLVMConstNull(vector_type(count)); }
  Value vector_of(const Run& labels);
  Value shuffle(Value a, Value b, const std::vector<int>& lanes);
  static Run run_of(Value vector, unsigned count);
  static Run splat(Label label, size_t count) { return Run(count, label); }
  Label label_of(Value scalar);
  Value scalar_of(Label label);
  Value equal(Value a, Value b) { return LLVMBuildICmp(builder_, LLVMIntEQ, a, b, ""); }
  Value any_of(Value a, Value b) { return LLVMBuildOr(builder_, a, b, ""); }
  Value all_lanes(Value lanes);
  Value reduce_or(Value vector);
  Value splat_of(Value scalar, size_t count);
  // Lanes that have `label` or none.
  Value none_or(Value vector, Value splat_label);
  // Whether `seen`, all of both in one, is the only label of both, so that joins are it or none;
  // with depth, whether there is none.
  Value one_label(Value a, Value b, Value seen);
  Value index(Value pointer, uint64_t bytes);
  Value access(uint32_t step);
  Value to_memory(Value vector, unsigned which);
  Value from_memory(size_t count);  // what a helper wrote
  template <class... Arguments>
  Value call(const void* helper, Type result, Arguments... arguments);
  // `fast` when `ok`, which is likely, else what slowly() makes.
  template <class Slowly>
  Value guarded(Value ok, Value fast, Slowly slowly);
  LLVMBasicBlockRef new_block();
  void branch(Value condition, LLVMBasicBlockRef likely, LLVMBasicBlockRef unlikely);

  const Helpers& helpers_;
  const Plan& plan_;
  LLVMContextRef context_;
  LLVMModuleRef module_;
  LLVMBuilderRef builder_;
  Type void_, i1_, i32_, i64_, pointer_;
  Value function_ = nullptr, frame_ = nullptr, registers_ = nullptr, labelled_ = nullptr;
  Value first_access_ = nullptr;  // or the first step's
  Value scratch_[3] = {};
  Run loaded_;  // by the instruction
  Label address_;
  Place places_[kShadowBytes];
};

}  // namespace fptrace::emu::taint::jit
