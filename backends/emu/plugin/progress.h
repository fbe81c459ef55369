#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "backends/emu/channel/soon.h"

namespace fptrace::emu {

// A count that one thread raises and another one waits for. What the one did before it raised the
// count, the other one sees when it has waited.
class Progress {
 public:
  uint64_t count() const { return count_.load(std::memory_order_acquire); }

  void raise() {
    // Either this sees who sleeps, or the sleeper sees the new count.
    const uint64_t count = count_.fetch_add(1, std::memory_order_seq_cst) + 1;
    if (count < awaited_.load(std::memory_order_seq_cst)) return;
    const std::lock_guard lock(mutex_);
    raised_.notify_one();
  }

  // Until the count is so high.
  void wait_for(uint64_t count) {
    if (!happens_soon(kLooks, [&] { return this->count() >= count; })) sleep_until(count);
  }

 private:
  static constexpr uint64_t kNobody = ~uint64_t{0};
  // No more: where two processors share a core, who looks takes of the other one's time.
  static constexpr int kLooks = 2000;

  void sleep_until(uint64_t count) {
    std::unique_lock lock(mutex_);
    awaited_.store(count, std::memory_order_seq_cst);
    raised_.wait(lock, [&] { return count_.load(std::memory_order_seq_cst) >= count; });
    awaited_.store(kNobody, std::memory_order_relaxed);
  }

  alignas(64) std::atomic<uint64_t> count_ = 0;
  alignas(64) std::atomic<uint64_t> awaited_ = kNobody;  // by who sleeps
  std::mutex mutex_;
  std::condition_variable raised_;
};

}  // namespace fptrace::emu
