#include "backends/emu/channel/channel.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "backends/emu/channel/turn.h"

namespace fptrace::emu {
namespace {

constexpr long kLookAroundNs = 20'000'000;

void futex_wait(std::atomic<uint32_t>& word, uint32_t value) {
  const timespec limit{0, kLookAroundNs};
  ::syscall(SYS_futex, &word, FUTEX_WAIT, value, &limit, nullptr, 0);
}
void futex_wake(std::atomic<uint32_t>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

struct flock one_byte(int64_t byte) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

void add(uint64_t (&numbers)[kMostCalls / 64], uint32_t nr) {
  numbers[nr / 64] |= uint64_t{1} << (nr % 64);
}

// False: no room.
bool add_if(CallSet& calls, const CallTest& test) {
  if (calls.tests_count == kMostCallTests) return false;
  calls.tests[calls.tests_count++] = test;
  add(calls.tested[test.abi], test.nr);
  return true;
}

}  // namespace

Result<Channel> Channel::create(const std::string& path, bool count) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fail_errno("create " + path);
  // Space that is missing must show now, not as a SIGBUS.
  if (const int error = ::posix_fallocate(file.get(), 0, sizeof(Wire)); error != 0) {
    errno = error;
    return fail_errno("write " + path);
  }
  void* bytes = ::mmap(nullptr, sizeof(Wire), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (bytes == MAP_FAILED) return fail_errno("map " + path);
  // Another description than the mapped one: the mapping in a forked child would keep the lock.
  UniqueFd lock_file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!lock_file) return fail_errno("open " + path);
  Channel channel(std::move(lock_file), static_cast<Wire*>(bytes));
  struct flock lock = one_byte(kHostLockByte);
  if (::fcntl(channel.file_.get(), F_OFD_SETLK, &lock) < 0) return fail_errno("lock " + path);
  Wire& wire = *channel.wire_;
  wire.want_count = count;
  wire.version = kWireVersion;
  wire.size = sizeof(Wire);
  wire.magic = kWireMagic;
  return channel;
}

Result<void> Channel::set_ram(const Ram& ram) {
  if (ram.path.size() >= sizeof Wire::ram_path)
    return fail(Errc::kUnsupported, "the path of guest memory is too long: " + ram.path);
  std::memcpy(wire_->ram_path, ram.path.c_str(), ram.path.size() + 1);
  wire_->ram_size = ram.size;
  wire_->ram_low_size = ram.low_size;
  return {};
}

Channel::Channel(Channel&& other) noexcept
    : file_(std::move(other.file_)),
      wire_(std::exchange(other.wire_, nullptr)),
      plugin_seen_(other.plugin_seen_),
      tasks_(other.tasks_) {}

Channel::~Channel() {
  if (!wire_) return;
  quit();
  ::munmap(wire_, sizeof(Wire));
}

bool Channel::plugin_lives() const {
  struct flock lock = one_byte(kPluginLockByte);
  return ::fcntl(file_.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

Channel::Wait Channel::wait(const std::function<bool()>& call_off) {
  const Wait result = wait_for_turn(call_off, call_began_ ? kLooksForReturn : kLooksForStop);
  plugin_seen_ = plugin_seen_ || result == Wait::kStopped;
  return result;
}

Channel::Wait Channel::wait_for_turn(const std::function<bool()>& call_off, int looks) {
  std::atomic<uint32_t>& turn = wire_->turn;
  if (guest_stops_soon(*wire_, looks)) return Wait::kStopped;
  for (bool announced = false;;) {
    const uint32_t before = turn.load();
    if (!is_guests(before)) return Wait::kStopped;
    if (before == uint32_t(Turn::kSoon) && !std::exchange(announced, true) &&
        guest_stops_soon(*wire_, kLooksForReturn))
      return Wait::kStopped;
    wire_->sleeping.store(1);
    // It compares once more, so a turn given meanwhile is not slept through.
    futex_wait(turn, before);
    if (turn.load() != before) continue;
    const bool lives = plugin_lives();
    plugin_seen_ = plugin_seen_ || lives;
    // It may have given its last turn and gone between the two looks.
    if (plugin_seen_ && !lives) return is_guests(turn.load()) ? Wait::kGone : Wait::kStopped;
    if (call_off && call_off()) return Wait::kCalledOff;
  }
}

void Channel::give_turn(Turn turn) {
  wire_->turn.store(uint32_t(turn));
  if (wire_->sleeping.exchange(0) != 0) futex_wake(wire_->turn);
}
void Channel::resume() {
  call_began_ = wire_->stop.kind == StopKind::kSyscall;
  give_turn(Turn::kGuest);
}
void Channel::quit() {
  if (wire_->turn.load() == uint32_t(Turn::kHost)) give_turn(Turn::kQuit);
}

Result<void> Channel::ask(Request& request) {
  wire_->request = request;
  give_turn(Turn::kGuest);
  if (wait_for_turn({}, kLooksForAnswer) != Wait::kStopped)
    return fail(Errc::kBackend, "the plugin was gone when it was asked for something");
  request = wire_->request;
  if (request.error != 0)
    return fail_errno("the plugin was asked for something it cannot do", int(request.error));
  return {};
}

std::span<const Report> Channel::reports() const {
  return {wire_->reports, std::min(wire_->reports_written, kMostReports)};
}

void Channel::set_interesting(uint32_t abi, uint32_t nr) { add(wire_->interesting.all[abi], nr); }
void Channel::set_interesting_if(const CallTest& test) {
  if (!add_if(wire_->interesting, test)) set_interesting(test.abi, test.nr);
}
void Channel::tell_late(uint32_t abi, uint32_t nr) { add(wire_->told_late.all[abi], nr); }
void Channel::tell_late_if(const CallTest& test) { (void)add_if(wire_->told_late, test); }

Result<void> Channel::set_task(uint64_t task, uint32_t flags) {
  constexpr uint32_t kMostTasks = kTaskSlots / 4 * 3;  // fuller, and lookups get slow
  uint32_t at = task_hash(task);
  while (wire_->tasks[at].task != 0 && wire_->tasks[at].task != task)
    at = (at + 1) & (kTaskSlots - 1);
  TaskSlot& slot = wire_->tasks[at];
  if (slot.task == 0) {
    if (tasks_ == kMostTasks)
      return fail(Errc::kBackend,
                  "more than " + std::to_string(kMostTasks) + " tasks in the guest");
    ++tasks_;
  }
  slot = {task, flags, 0};
  return {};
}

// Moves up what would no longer be found behind the gap (linear probing).
void Channel::forget_task(uint64_t task) {
  constexpr uint32_t kMask = kTaskSlots - 1;
  TaskSlot* const tasks = wire_->tasks;
  uint32_t gap = task_hash(task);
  while (tasks[gap].task != task) {
    if (tasks[gap].task == 0) return;
    gap = (gap + 1) & kMask;
  }
  --tasks_;
  for (uint32_t at = (gap + 1) & kMask; tasks[at].task != 0; at = (at + 1) & kMask) {
    const uint32_t home = task_hash(tasks[at].task);
    if (((at - home) & kMask) < ((at - gap) & kMask)) continue;  // its home is behind the gap
    tasks[gap] = tasks[at];
    gap = at;
  }
  tasks[gap] = {};
}

}  // namespace fptrace::emu
