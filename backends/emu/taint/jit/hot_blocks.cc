#include "backends/emu/taint/jit/hot_blocks.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "backends/emu/taint/jit/plan.h"
#include "backends/emu/taint/label_ops.h"
#include "backends/emu/taint/pieces.h"
#include "common/base/signal_free_thread.h"

namespace fptrace::emu::taint::jit {

// Of a block that is, or is to be, compiled. The thread sets `code`; all else is constant.
struct alignas(64) HotCode {
  // First what is looked at each time, mostly in one line of the cache.
  std::atomic<CompiledCode> code = nullptr;
  RegisterMask reads = 0;  // of the block as a whole
  const Step* steps = nullptr;
  uint32_t step_count = 0;
  bool pointers = false, depth = false, any_interpreted = false, last_interpreted = false;
  static constexpr uint32_t kFewSteps = 6;
  Step few_steps[kFewSteps];  // instead of the plan's

  RegisterMask any_reads = 0;  // of its instructions, one by one
  Plan plan;
};

namespace {

// --- What compiled code calls
// ------------------------------------------------------------------------

struct Caller {
  const Block& block;
  const Policy& policy;
  const State& state;
  FindingList& findings;
};

const Caller& caller(Frame* frame) { return *static_cast<const Caller*>(frame->caller); }
LabelSets& sets(Frame* frame) { return caller(frame).state.sets; }
ShadowMemory& memory(Frame* frame) { return caller(frame).state.memory; }

constexpr Helpers kHelpers = {
    .load = [](Frame* frame, const Access* access, uint32_t from, uint32_t size,
               LabelId* labels) { load_piece(memory(frame), *access, from, size, labels); },
    .store =
        [](Frame* frame, const Access* access, const LabelId* labels) {
          store_piece(memory(frame), *access, 0, access->size, labels);
        },
    .clear = [](Frame* frame, const Access* access) { clear(memory(frame), *access); },
    .join_all = [](Frame* frame, const LabelId* a,
                   uint32_t count) { return sets(frame).join_all(a, count); },
    .join_each = [](Frame* frame, LabelId* d, const LabelId* a, const LabelId* b,
                    uint32_t n) { join_each(sets(frame), d, a, b, n); },
    .carry = [](Frame* frame, LabelId* d, const LabelId* a, const LabelId* b, uint32_t n,
                uint32_t lane) { carry(sets(frame), d, a, b, n, lane); },
    .compare =
        [](Frame* frame, const LabelId* a, const LabelId* b, uint32_t n) {
          const Compared compared = compare(sets(frame), a, b, n);
          return uint64_t{compared.all} << 32 | compared.low;
        },
    .logic = [](Frame* frame, LabelId* d, const LabelId* a, const LabelId* b,
                uint32_t n) { return logic(sets(frame), d, a, b, n); },
    .keep = [](Frame* frame, LabelId id) { return sets(frame).keep(id); },
    .mix = [](Frame* frame, const LabelId* a,
              uint32_t count) { return sets(frame).computed(sets(frame).join_all(a, count)); },
    .unite_each = [](Frame* frame, LabelId* d, const LabelId* a, const LabelId* b,
                     uint32_t n) { unite_each(sets(frame), d, a, b, n); },
    .report =
        [](Frame* frame, uint32_t kind, uint32_t instruction, LabelId label) {
          caller(frame).findings.add({Finding::Kind(kind), uint16_t(instruction), label});
        },
    .interpret =
        [](Frame* frame, uint32_t instruction, const Access* first, const Access* last) {
          const Caller& c = caller(frame);
          execute_instruction(c.block, uint16_t(instruction), true, {first, last}, c.policy,
                              c.state, c.findings);
        },
};

// --- Before it runs
// ------------------------------------------------------------------------------------

// At most two accesses of an instruction are planned one by one.
constexpr size_t kMostSteps = 2 * Decoder::kMostInstructions;

enum class Effect { kNone, kSome, kUnknown };

// What execute() would say, with all done when it is kNone: as long as no register that is read has
// a label, nothing happens but that stores take the labels of memory.
Effect effect_of(const HotCode& hot, const Block& block, std::span<const Access> log,
                 const State& state) {
  if ((hot.reads & state.registers.labelled) != 0) return Effect::kSome;
  const bool only_stores_matter = (hot.any_reads & state.registers.labelled) == 0;
  for (size_t i = 0; i < log.size();) {
    const uint16_t instruction = log[i].instruction;
    size_t end = i;
    bool stored = false;
    for (; end < log.size() && log[end].instruction == instruction; ++end) {
      if (!any_label(state.memory, log[end])) continue;
      if (!log[end].is_store) return Effect::kSome;
      stored = true;
    }
    if (stored && !only_stores_matter) return Effect::kUnknown;
    for (; i < end; ++i)
      if (log[i].is_store && stored) clear(state.memory, log[i]);
  }
  state.registers.clear(block.summary.kills);
  return Effect::kNone;
}

void set_up(HotCode& hot) {
  const Plan& plan = hot.plan;
  hot.pointers = plan.pointers;
  hot.depth = plan.depth;
  hot.any_interpreted = plan.any_interpreted;
  hot.last_interpreted = plan.instructions.back().interpreted;
  hot.step_count = uint32_t(plan.steps.size());
  const bool few = hot.step_count <= HotCode::kFewSteps;
  if (few) std::copy(plan.steps.begin(), plan.steps.end(), hot.few_steps);
  hot.steps = few ? hot.few_steps : plan.steps.data();
}

bool is_complete(const Block& block, std::span<const Access> log) {
  if (block.instructions.empty() || block.instructions.size() > Decoder::kMostInstructions)
    return false;
  const Instruction& last = block.instructions.back();
  if ((last.flags & Instruction::kAnyAccesses) != 0) return true;
  uint32_t loaded = 0, stored = 0;
  for (const Access& access : log)
    if (access.instruction + 1u == block.instructions.size())
      (access.is_store ? stored : loaded) += access.size;
  return loaded >= last.load_bytes && stored >= last.store_bytes;
}

}  // namespace

// --- The thread ----------------------------------------------------------------------------------

HotBlocks::HotBlocks(std::string module, uint64_t hot) : file_(std::move(module)), hot_(hot) {}

HotBlocks::~HotBlocks() {
  stop();
  if (compiler_) destroy_(compiler_);
}

bool HotBlocks::start() {
  const auto run = [](void* self) -> void* {
    static_cast<HotBlocks*>(self)->compile_all();
    return nullptr;
  };
  started_ = start_signal_free_thread(thread_, run, this) == 0;
  return started_;
}

void HotBlocks::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (started_) pthread_join(thread_, nullptr);
  started_ = false;
}

// The module stays loaded: LLVM is not made to be unloaded.
bool HotBlocks::load() {
  void* const handle = ::dlopen(file_.c_str(), RTLD_NOW | RTLD_LOCAL);
  const char* const said = handle ? nullptr : ::dlerror();
  std::string why;
  if (!handle) {
    why = said ? said : "load " + file_ + ": failed";
  } else {
    const auto make = reinterpret_cast<MakeCompiler>(::dlsym(handle, kMakeCompiler));
    compile_ = reinterpret_cast<Compile>(::dlsym(handle, kCompile));
    destroy_ = reinterpret_cast<DestroyCompiler>(::dlsym(handle, kDestroyCompiler));
    if (!make || !compile_ || !destroy_)
      why = file_ + ": not a compiler of this version";
    else if (compiler_ = make(&kHelpers); !compiler_)
      why = file_ + ": LLVM makes no code for this processor";
  }
  if (compiler_) return true;
  const std::lock_guard lock(mutex_);
  problem_ = why;
  return false;
}

void HotBlocks::compile_all() {
  const bool loaded = load();
  if (!loaded) failed_ = true;
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    std::unique_ptr<HotCode> hot = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    lock.unlock();
    const CompiledCode code = loaded ? compile_(compiler_, &hot->plan) : nullptr;
    hot->code.store(code, std::memory_order_release);
    lock.lock();
    ++(code ? compiled_ : refused_);
    done_.push_back(std::move(hot));
    busy_ = false;
    changed_.notify_all();
  }
}

void HotBlocks::request(Block& block, std::span<const Access> log, const Policy& policy,
                        bool depth) {
  if (!started_ && !start()) return;
  auto hot = std::make_unique<HotCode>();
  hot->plan = make_plan(block, log, policy.pointers, depth);
  set_up(*hot);
  hot->reads = reads(block.summary, policy);
  for (const Instruction& instruction : block.instructions)
    hot->any_reads |= reads(instruction.summary, policy);
  block.hot_code = hot.get();
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(hot));
  }
  changed_.notify_all();
}

void HotBlocks::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return queue_.empty() && !busy_; });
}

std::string HotBlocks::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

HotBlocks::Counts HotBlocks::counts() const {
  const std::lock_guard lock(mutex_);
  return {compiled_, refused_, fast_, other_accesses_};
}

// --- Executing -----------------------------------------------------------------------------------

bool HotBlocks::execute(Block& block, uint32_t first, uint32_t last, std::span<const Access> log,
                        const Policy& policy, const State& state, FindingList& findings) {
  const auto interpret = [&] {
    return taint::execute(block, first, last, log, policy, state, findings);
  };
  if (first != 0 || last < block.instructions.size() || policy.instructions) return interpret();
  const bool depth = state.sets.options().max_depth != 0;
  const HotCode* const hot = block.hot_code;
  if (!hot) {
    if (!failed_ && ++block.executions >= hot_ && is_complete(block, log))
      request(block, log, policy, depth);
    return interpret();
  }
  const CompiledCode code = hot->code.load(std::memory_order_acquire);
  if (!code || hot->pointers != policy.pointers || hot->depth != depth) return interpret();
  const Access* first_of[kMostSteps + 1];
  const std::span steps(hot->steps, hot->step_count);
  const bool as_planned =
      hot->any_interpreted ? matches(steps, log, first_of) : matches(steps, log);
  if (!as_planned || (hot->last_interpreted && !is_complete(block, log))) {
    ++other_accesses_;
    return interpret();
  }
  switch (effect_of(*hot, block, log, state)) {
    case Effect::kNone:
      return false;
    case Effect::kUnknown:
      return interpret();
    case Effect::kSome:
      break;
  }
  settle_flags(state);
  Caller caller{block, policy, state, findings};
  Frame frame{state.registers.bytes, &state.registers.labelled, log.data(), first_of, &caller};
  code(&frame);
  ++fast_;
  return true;
}

}  // namespace fptrace::emu::taint::jit
