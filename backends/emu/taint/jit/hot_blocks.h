#pragma once
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "backends/emu/taint/execute.h"
#include "backends/emu/taint/jit/compiled.h"

namespace fptrace::emu::taint::jit {

struct HotCode;

// The second tier: blocks that are executed again and again are compiled, on a thread of its own,
// and from some moment on compiled code moves the labels. As it makes the same joins in the same
// order as the interpreter, nobody can tell from the result when that was.
//
// Nothing is loaded, and no thread started, before the first block is hot. Without the compiler's
// module the interpreter does everything. All functions are for one thread. No block may be
// executed by two of these.
//
// A process may not exit while one lives: LLVM's own objects go then, and a thread within LLVM does
// not survive that. (A QEMU that replays is killed.)
class HotBlocks {
 public:
  // Compiling a block takes 10 ms of another thread, and saves half a microsecond at each
  // execution.
  static constexpr uint64_t kHot = 3000;

  struct Counts {
    uint64_t compiled = 0, refused = 0;  // blocks
    uint64_t fast = 0;                   // executions by compiled code
    uint64_t other_accesses = 0;         // not by it, for accesses that it is not made for
  };

  // `module`: the compiler's file. `hot`: executions that make a block worth it.
  explicit HotBlocks(std::string module, uint64_t hot = kHot);
  ~HotBlocks();
  HotBlocks(const HotBlocks&) = delete;
  HotBlocks& operator=(const HotBlocks&) = delete;

  // As taint::execute() of the whole block, with the same result, if it is compiled for accesses
  // like these, which are AccessWords. False: nothing has happened, and it is for execute().
  bool run(const Block& block, std::span<const uint64_t> accesses, const Policy& policy,
           const State& state, FindingList& findings);
  // taint::execute(), which may make the block hot.
  bool execute(Block& block, uint32_t first, uint32_t last, std::span<const Access> log,
               const Policy& policy, const State& state, FindingList& findings);

  // Waits until all that is hot so far is compiled.
  void finish();
  // Why nothing is ever compiled; empty: no reason.
  std::string problem() const;
  Counts counts() const;

 private:
  // Of the thread.
  void compile_all();
  bool load();

  bool start();
  void stop();
  bool last_is_complete(const Block& block, const HotCode& hot, const uint64_t* const* first_of);
  void request(Block& block, std::span<const Access> log, const Policy& policy, bool depth);

  const std::string file_;
  const uint64_t hot_;
  uint64_t fast_ = 0, other_accesses_ = 0;
  std::vector<Access> interpreted_;  // by an instruction of a compiled block: kept for its memory

  void* compiler_ = nullptr;
  Compile compile_ = nullptr;
  DestroyCompiler destroy_ = nullptr;

  // What both threads see.
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<HotCode>> queue_;  // to be compiled
  std::deque<std::unique_ptr<HotCode>> done_;   // kept for the blocks that refer to them
  uint64_t compiled_ = 0, refused_ = 0;
  std::string problem_;
  bool busy_ = false, stopping_ = false, started_ = false;
  std::atomic<bool> failed_ = false;
  pthread_t thread_{};
};

}  // namespace fptrace::emu::taint::jit
