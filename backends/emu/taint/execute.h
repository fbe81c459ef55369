#pragma once
#include <cstdint>
#include <span>

#include "backends/emu/taint/access.h"
#include "backends/emu/taint/decode.h"
#include "backends/emu/taint/label_sets.h"
#include "backends/emu/taint/register_shadow.h"
#include "backends/emu/taint/shadow_memory.h"

namespace fptrace::emu::taint {

struct Policy {
  bool pointers = false;      // what is loaded has the labels of its address, too
  bool instructions = false;  // report every instruction with a labelled input
};

// What an instruction did with labels that somebody may want to know.
struct Finding {
  enum Kind : uint8_t {
    kBranch,       // a conditional branch on `label`
    kJump,         // to an address with `label`
    kInstruction,  // one of its inputs has `label`; with Policy::instructions
    kUnmodelled,   // has ops that are a guess, on inputs with `label`
  };
  Kind kind;
  uint16_t instruction;  // of the block
  LabelId label;         // kNoLabel in kUnmodelled only, when the inputs have none
};

// Filled by execute(), for the caller to empty. An instruction has at most kMostEach.
struct FindingList {
  static constexpr uint32_t kMostEach = 3;
  Finding items[Decoder::kMostInstructions * kMostEach];
  uint32_t count = 0;

  void add(Finding finding) {
    if (count < Decoder::kMostInstructions * kMostEach) items[count++] = finding;
  }
};

// In what of the registers a label has an effect.
inline RegisterMask reads(const Summary& summary, const Policy& policy) {
  return policy.pointers ? summary.reads | summary.address_reads : summary.reads;
}

// Is told of each load of bytes some of which have labels, before its instruction is executed. The
// labels are those of the bytes in order.
class LoadObserver {
 public:
  virtual void loaded(uint16_t instruction, std::span<const LabelId> labels) = 0;

 protected:
  ~LoadObserver() = default;
};

struct State {
  RegisterShadow& registers;
  ShadowMemory& memory;
  LabelSets& sets;
  LoadObserver* observer = nullptr;  // nullptr: nobody wants to know
};

// Before a block is executed: the flags' passing sets are kept and all others forgotten, if those
// are many.
void settle_many_flags(const State& state);
inline void settle_flags(const State& state) {
  if (state.sets.many_passing()) settle_many_flags(state);
}

// Whether the instruction made all its accesses, which these are.
bool is_complete(const Instruction& instruction, std::span<const Access> log);

// Moves labels as the instructions [first, last) of the block did that accessed memory so, `log`
// being of these only and in order. The last one is left out when it has not made all its accesses:
// it did not complete. (A repeated string instruction has done what its complete pairs of accesses
// say.) True: it had an effect; false: no label was to be seen anywhere, or only removed.
bool execute(const Block& block, uint32_t first, uint32_t last, std::span<const Access> log,
             const Policy& policy, const State& state, FindingList& findings);

// The same for one instruction that completed, `log` being its accesses; whether it is one of a
// block that is executed as a whole.
bool execute_instruction(const Block& block, uint16_t index, bool is_whole,
                         std::span<const Access> log, const Policy& policy, const State& state,
                         FindingList& findings);

}  // namespace fptrace::emu::taint
