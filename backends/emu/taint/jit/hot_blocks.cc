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
  const Step* steps = nullptr;
  uint32_t step_count = 0;
  bool pointers = false, depth = false, any_interpreted = false, last_interpreted = false;
  static constexpr uint32_t kFewSteps = 6;
  Step few_steps[kFewSteps];  // instead of the plan's

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
  std::vector<Access>& log;
};

const Caller& caller(Frame* frame) { return *static_cast<const Caller*>(frame->caller); }
LabelSets& sets(Frame* frame) { return caller(frame).state.sets; }
ShadowMemory& memory(Frame* frame) { return caller(frame).state.memory; }

template <uint32_t kSize>
void load(Frame* frame, const uint64_t* access, uint32_t instruction, LabelId* labels) {
  const State& state = caller(frame).state;
  const bool found = state.memory.load(AccessWords::paddr(access), SizeConstant<kSize>(),
                                       AccessWords::value(access), labels);
  if (found && state.observer) state.observer->loaded(uint16_t(instruction), {labels, kSize});
}

template <uint32_t kSize>
void store(Frame* frame, const uint64_t* access, const LabelId* labels) {
  memory(frame).store(AccessWords::paddr(access), SizeConstant<kSize>(), AccessWords::value(access),
                      labels);
}

void interpret(Frame* frame, uint32_t instruction, const uint64_t* first, const uint64_t* last) {
  const Caller& c = caller(frame);
  read_accesses({first, last}, c.log);
  execute_instruction(c.block, uint16_t(instruction), true, c.log, c.policy, c.state, c.findings);
}

constexpr Helpers kHelpers = {
    .load = {load<1>, load<2>, load<4>, load<8>, load<16>},
    .store = {store<1>, store<2>, store<4>, store<8>, store<16>},
    .clear =
        [](Frame* frame, const uint64_t* access) {
          memory(frame).clear(AccessWords::paddr(access), AccessWords::size(access));
        },
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
    .interpret = interpret,
};

// --- Before it runs
// ------------------------------------------------------------------------------------

// At most two accesses of an instruction are planned one by one.
constexpr size_t kMostSteps = 2 * Decoder::kMostInstructions;

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

bool can_be_hot(const Block& block) {
  const size_t size = block.instructions.size();
  return size != 0 && size <= Decoder::kMostInstructions;
}

// Of an execution as a whole.
bool is_complete(const Block& block, std::span<const Access> log) {
  const size_t size = block.instructions.size();
  const auto is_last = [size](const Access& access) { return access.instruction + 1u == size; };
  const auto first = std::find_if(log.begin(), log.end(), is_last);
  return is_complete(block.instructions.back(), {first, log.end()});
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
  started_ = start_signal_free_thread(thread_, "fptrace-jit", run, this) == 0;
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

bool HotBlocks::run(const Block& block, std::span<const uint64_t> accesses, const Policy& policy,
                    const State& state, FindingList& findings) {
  const HotCode* const hot = block.hot_code;
  if (!hot || policy.instructions) return false;
  const CompiledCode code = hot->code.load(std::memory_order_acquire);
  const bool depth = state.sets.options().max_depth != 0;
  if (!code || hot->pointers != policy.pointers || hot->depth != depth) return false;
  const uint64_t* first_of[kMostSteps + 1];
  const std::span steps(hot->steps, hot->step_count);
  const bool as_planned =
      hot->any_interpreted ? matches(steps, accesses, first_of) : matches(steps, accesses);
  if (!as_planned || (hot->last_interpreted && !last_is_complete(block, *hot, first_of))) {
    ++other_accesses_;
    return false;
  }
  settle_flags(state);
  Caller caller{block, policy, state, findings, interpreted_};
  Frame frame{state.registers.bytes, &state.registers.labelled, accesses.data(), first_of, &caller};
  code(&frame);
  ++fast_;
  return true;
}

bool HotBlocks::last_is_complete(const Block& block, const HotCode& hot,
                                 const uint64_t* const* first_of) {
  read_accesses({first_of[hot.step_count - 1], first_of[hot.step_count]}, interpreted_);
  return is_complete(block.instructions.back(), interpreted_);
}

bool HotBlocks::execute(Block& block, uint32_t first, uint32_t last, std::span<const Access> log,
                        const Policy& policy, const State& state, FindingList& findings) {
  const bool whole = first == 0 && last >= block.instructions.size();
  if (whole && !block.hot_code && !policy.instructions && !failed_ && can_be_hot(block) &&
      ++block.executions >= hot_ && is_complete(block, log))
    request(block, log, policy, state.sets.options().max_depth != 0);
  return taint::execute(block, first, last, log, policy, state, findings);
}

}  // namespace fptrace::emu::taint::jit
