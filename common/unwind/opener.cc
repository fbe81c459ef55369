#include "common/unwind/opener.h"

namespace fptrace::unwind {
namespace {

bool is_c_library(const Module* module) {
  return module != nullptr && module->object && module->object->c_library();
}

bool names_opener(const Module* module) {
  return module != nullptr && module->object && module->object->names_opener();
}

// The walk of one call.
class Search {
 public:
  Search(TaskView& task, AddressSpace& space, ObjectCache& cache, const Registers& registers)
      : task_(task),
        space_(space),
        cache_(cache),
        walker_(task, space, cache, registers),
        opener_(walker_.frame().module) {}

  std::string run() {
    if (opener_ == nullptr) return {};
    if (!is_c_library(opener_)) return opener_->path;
    while (leave_opener() && move_to_caller()) {}
    return opener_->path;
  }

 private:
  // Walks to the first frame outside the opener; the C library's parts are one.
  bool leave_opener() {
    do {
      if (!walker_.next() || walker_.over_signal()) return false;
    } while (walker_.frame().module != nullptr && in_opener(walker_.frame().module));
    return walker_.frame().module != nullptr;
  }
  bool in_opener(const Module* module) const {
    return module == opener_ || (is_c_library(opener_) && is_c_library(module));
  }

  // The frame outside may count as the caller of an opening function; false: the search is over.
  bool move_to_caller() {
    const FrameWalker::Frame& frame = walker_.frame();
    const CallSite site = call_before(task_, *frame.module, frame.pc(), frame.registers.is_i386);
    if (site.kind == CallSite::Kind::kSlot && site.opens) return move_to(frame.module);
    if (frame.guessed || !is_c_library(opener_)) return false;
    if (site.kind != CallSite::Kind::kSlot)
      return names_opener(frame.module) && move_to(frame.module);
    // Its frame is gone, so who called it is at the same frame: nothing further out is known.
    const Module* called = space_.module_at(site.target, task_, cache_);
    if (called == frame.module || is_c_library(called) || !names_opener(called)) return false;
    opener_ = called;
    return false;
  }
  // Whether it is worth looking further out: who called another function of it is of no interest.
  bool move_to(const Module* module) {
    opener_ = module;
    return module->object->exports_opener();
  }

  TaskView& task_;
  AddressSpace& space_;
  ObjectCache& cache_;
  FrameWalker walker_;
  const Module* opener_;
};

}  // namespace

// What was read of the address space stands until forget(); a pc outside of it means that the
// process mapped code in a way that nobody told us of.
AddressSpace* OpenerFinder::space_of(TaskView& task, const Registers& registers) {
  const auto known = spaces_.find(task.pid());
  const uint64_t pc = registers.value[registers.pc_index()];
  if (known != spaces_.end() && known->second.executable(pc)) return &known->second;
  auto space = AddressSpace::read(task);
  if (!space) return nullptr;
  return &spaces_.insert_or_assign(task.pid(), *std::move(space)).first->second;
}

std::string OpenerFinder::opener(TaskView& task) {
  const auto registers = task.registers();
  if (!registers) return {};
  AddressSpace* space = space_of(task, *registers);
  if (space == nullptr) return {};
  return Search(task, *space, cache_, *registers).run();
}

}  // namespace fptrace::unwind
