#include "backends/emu/qemu/same_processor.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "common/base/block_all_signals.h"
#include "common/proc/numbers.h"
#include "common/proc/stat.h"
#include "common/proc/text_file.h"

namespace fptrace::emu {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr milliseconds kInterval{50};
constexpr int kIntervalsApart = 20;
constexpr nanoseconds kDear{5'000};
constexpr char kOwnThreads[] = "fptrace";

cpu_set_t only(uint32_t processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);  // none beyond CPU_SETSIZE: then place() does nothing
  return set;
}

void place(pid_t thread, const cpu_set_t& processors) {
  (void)::sched_setaffinity(thread, sizeof processors, &processors);
}

}  // namespace

// When all is well the thread waits for the others that share its processor, a fifth of the time.
bool SharingPolicy::should_share(const Interval& interval) {
  if (intervals_apart_ > 0)
    --intervals_apart_;
  else if (interval.waited > interval.passed * 2 / 5 || interval.beside > interval.passed / 5)
    intervals_apart_ = kIntervalsApart;
  return intervals_apart_ == 0;
}

nanoseconds cost_of_waking() {
  constexpr int kRounds = 15;
  constexpr std::chrono::microseconds kUntilItSleeps{200};
  std::atomic<uint32_t> round = 0;
  std::jthread sleeper([&round] {
    for (uint32_t seen = 0; seen < kRounds; seen = round.load())
      ::syscall(SYS_futex, &round, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
  });
  std::array<nanoseconds, kRounds> costs{};
  for (nanoseconds& cost : costs) {
    std::this_thread::sleep_for(kUntilItSleeps);
    ++round;
    const auto begin = steady_clock::now();
    ::syscall(SYS_futex, &round, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    cost = steady_clock::now() - begin;
  }
  std::ranges::nth_element(costs, costs.begin() + kRounds / 2);
  return costs[kRounds / 2];
}

SameProcessor::SameProcessor(pid_t process, bool always)
    : always_(always),
      tasks_(::open(("/proc/" + std::to_string(process) + "/task").c_str(),
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  const BlockAllSignals block;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

// By schedstat: nanoseconds that it ran and that it waited for a processor
// (Documentation/scheduler/sched-stats.rst).
std::vector<SameProcessor::Thread> SameProcessor::list_threads() {
  std::vector<Thread> out;
  std::map<pid_t, Times> now;
  const std::string tasks = "/proc/self/fd/" + std::to_string(tasks_.get());
  for (const pid_t number : numbers_in(tasks).value_or(std::vector<int>())) {
    const std::string task = tasks + "/" + std::to_string(number);
    const auto stat = read_stat(task);
    std::istringstream times(read_text_file(task + "/schedstat").value_or(std::string()));
    int64_t ran = 0, waited = 0;
    if (!stat || !(times >> ran >> waited)) continue;  // it has ended
    const Times since = now[number] = {nanoseconds(ran), nanoseconds(waited)};
    const Times before = std::exchange(before_[number], since);
    out.push_back({number,
                   stat->comm.starts_with(kOwnThreads),
                   stat->processor,
                   {since.ran - before.ran, since.waited - before.waited}});
  }
  before_ = std::move(now);
  return out;
}

void SameProcessor::run(const std::stop_token& stop) {
  cpu_set_t allowed;
  if (!tasks_ || ::sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2)
    return;
  if (!always_ && cost_of_waking() < kDear) return;
  keep(allowed, stop);
  if (const pid_t along = along_) place(along, allowed);
}

void SameProcessor::keep(const cpu_set_t& allowed, const std::stop_token& stop) {
  const auto ran = [](const Thread& t) { return t.own ? nanoseconds(0) : t.times.ran; };
  SharingPolicy policy;
  std::optional<cpu_set_t> shared;
  auto then = steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!asked_to_stop_.wait_for(lock, stop, kInterval, [&] { return stop.stop_requested(); })) {
    const std::vector<Thread> threads = list_threads();
    const auto now = steady_clock::now();
    SharingPolicy::Interval interval{now - std::exchange(then, now)};
    const auto busiest = std::ranges::max_element(threads, {}, ran);
    if (busiest == threads.end() || ran(*busiest) == nanoseconds(0)) continue;  // nobody ran
    interval.waited = busiest->times.waited;
    for (const Thread& t : threads) interval.beside += t.times.ran - ran(t);
    const bool share = policy.should_share(interval);
    if (!share && !shared) continue;
    if (share && !shared) shared = only(busiest->processor);
    // Each time anew: a thread that is new runs where the one that made it does.
    for (const Thread& t : threads) place(t.number, share && !t.own ? *shared : allowed);
    if (const pid_t along = along_) place(along, share ? *shared : allowed);
    if (!share) shared.reset();
  }
}

}  // namespace fptrace::emu
