#include "backends/emu/qemu/same_processor.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

namespace fptrace::emu {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr milliseconds kInterval{50};
constexpr int kIntervalsApart = 20;
constexpr nanoseconds kDear{5'000};
constexpr char kOwnThreads[] = "fptrace";

std::string read_file(int directory, pid_t thread, const char* name) {
  const std::string path = std::to_string(thread) + "/" + name;
  const UniqueFd file(::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[1024];
  const ssize_t size = file ? ::read(file.get(), buffer, sizeof buffer) : -1;
  return std::string(buffer, size > 0 ? size_t(size) : 0);
}

// Where it ran last: field 39 of proc(5)'s stat. The second, its name, may have blanks.
std::optional<cpu_set_t> processor_of(int tasks, pid_t thread) {
  const std::string stat = read_file(tasks, thread, "stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream text(stat.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 39; ++field) text >> skipped;
  unsigned processor = 0;
  if (!(text >> processor) || processor >= CPU_SETSIZE) return std::nullopt;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(processor, &one);
  return one;
}

}  // namespace

// When all is well the thread waits for the others that share its processor, a fifth of the time.
bool SharingPolicy::should_share(nanoseconds waited, nanoseconds passed) {
  if (intervals_apart_ > 0)
    --intervals_apart_;
  else if (waited > passed * 2 / 5)
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
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for those who wait for them
  thread_ = std::jthread([this](const std::stop_token& stop) { keep(stop); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

std::vector<pid_t> SameProcessor::threads() const {
  std::vector<pid_t> out;
  const int fd = ::openat(tasks_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fd >= 0 ? ::fdopendir(fd) : nullptr,
                                                      ::closedir);
  if (!directory) return out;
  while (const dirent* entry = ::readdir(directory.get()))
    if (const int thread = std::atoi(entry->d_name); thread > 0) out.push_back(thread);
  return out;
}

bool SameProcessor::is_own(pid_t thread) const {
  return read_file(tasks_.get(), thread, "comm").starts_with(kOwnThreads);
}

// By schedstat: nanoseconds that it ran and that it waited for a processor
// (Documentation/scheduler/sched-stats.rst).
SameProcessor::Busiest SameProcessor::find_busiest() {
  Busiest busiest;
  std::map<pid_t, Times> now;
  for (const pid_t thread : threads()) {
    if (is_own(thread)) continue;
    std::istringstream text(read_file(tasks_.get(), thread, "schedstat"));
    int64_t ran = 0, waited = 0;
    if (!(text >> ran >> waited)) continue;
    const Times since = now[thread] = {nanoseconds(ran), nanoseconds(waited)};
    const Times before = std::exchange(before_[thread], since);
    if (since.ran - before.ran > busiest.times.ran)
      busiest = {thread, {since.ran - before.ran, since.waited - before.waited}};
  }
  before_ = std::move(now);
  return busiest;
}

// Each time anew: a thread that is new runs where the one that made it does.
void SameProcessor::place(const cpu_set_t& others, const cpu_set_t& own) const {
  for (const pid_t thread : threads())
    (void)::sched_setaffinity(thread, sizeof own, is_own(thread) ? &own : &others);
}

void SameProcessor::keep(const std::stop_token& stop) {
  cpu_set_t allowed;
  if (!tasks_ || ::sched_getaffinity(0, sizeof allowed, &allowed) != 0 || CPU_COUNT(&allowed) < 2)
    return;
  if (!always_ && cost_of_waking() < kDear) return;
  SharingPolicy policy;
  std::optional<cpu_set_t> shared;
  auto then = steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!asked_to_stop_.wait_for(lock, stop, kInterval, [&] { return stop.stop_requested(); })) {
    const Busiest busiest = find_busiest();
    const auto now = steady_clock::now();
    const auto passed = now - std::exchange(then, now);
    if (busiest.thread == 0) continue;  // nobody ran
    if (!policy.should_share(busiest.times.waited, passed)) {
      if (std::exchange(shared, std::nullopt)) place(allowed, allowed);
      continue;
    }
    if (!shared) shared = processor_of(tasks_.get(), busiest.thread);
    if (shared) place(*shared, allowed);
  }
}

}  // namespace fptrace::emu
