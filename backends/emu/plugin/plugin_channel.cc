#include "backends/emu/plugin/plugin_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/emu/channel/turn.h"
#include "common/base/signal_free_thread.h"

namespace fptrace::emu {
namespace {

int g_file = -1;
RequestHandler g_handlers[kMostHandlers] = {};

bool lock_byte(int64_t byte, int command) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  int result;
  while ((result = ::fcntl(g_file, command, &lock)) < 0 && errno == EINTR) {}
  return result == 0;
}

// The host holds its byte for as long as it lives, so whoever gets it is alone. It may have said
// that this is the end just before.
void* wait_for_death_of_host(void* wire) {
  if (!lock_byte(kHostLockByte, F_OFD_SETLKW)) return nullptr;
  ::_exit(static_cast<Wire*>(wire)->turn.load() == uint32_t(Turn::kQuit) ? 0 : 1);
}

const char* watch_host(Wire* wire) {
  pthread_t thread;
  if (start_signal_free_thread(thread, "fptrace-watch", wait_for_death_of_host, wire) != 0)
    return "no thread to watch the host program with";
  ::pthread_detach(thread);
  return nullptr;
}

const char* check(const Wire& wire, uint64_t file_size) {
  if (file_size < sizeof(Wire))
    return "the channel's file is too short: another version of fptrace made it";
  if (wire.magic != kWireMagic) return "the channel's file is none of fptrace's";
  if (wire.version != kWireVersion || wire.size != sizeof(Wire))
    return "the channel is for another version of the plugin: plugin and fptrace must be of one "
           "build";
  return nullptr;
}

}  // namespace

const char* connect_channel(const char* path, Wire** wire) {
  g_file = ::open(path, O_RDWR | O_CLOEXEC);
  if (g_file < 0) return "the channel's file cannot be opened";
  struct stat st {};
  void* bytes = MAP_FAILED;
  if (::fstat(g_file, &st) == 0 && st.st_size > 0)
    bytes = ::mmap(nullptr, sizeof(Wire), PROT_READ | PROT_WRITE, MAP_SHARED, g_file, 0);
  const char* problem = bytes == MAP_FAILED ? "the channel's file cannot be mapped" : nullptr;
  if (!problem) {
    auto* mapped = static_cast<Wire*>(bytes);
    problem = check(*mapped, uint64_t(st.st_size));
    if (st.st_size >= off_t(sizeof(Wire))) mapped->plugin_version = kWireVersion;
    if (!problem && !lock_byte(kPluginLockByte, F_OFD_SETLK))
      problem = "another QEMU uses the channel already";
    if (!problem) problem = watch_host(mapped);
    if (!problem) *wire = mapped;
    if (problem) ::munmap(bytes, sizeof(Wire));
  }
  if (problem) ::close(g_file);
  return problem;
}

void give_up(const char* line) {
  (void)!::write(STDERR_FILENO, line, strlen(line));
  ::_exit(1);
}

namespace {

void give_turn_and_wait(Wire& wire) {
  wire.turn.store(uint32_t(Turn::kHost));
  if (wire.sleeping.exchange(0) != 0)
    ::syscall(SYS_futex, &wire.turn, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  (void)host_answers_soon(wire, kLooksForAnswer);
  while (wire.turn.load() == uint32_t(Turn::kHost)) {
    wire.sleeping.store(1);
    // Not woken if the turn came back between the two lines: the kernel compares once more.
    ::syscall(SYS_futex, &wire.turn, FUTEX_WAIT, uint32_t(Turn::kHost), nullptr, nullptr, 0);
  }
  if (wire.turn.load() == uint32_t(Turn::kQuit)) ::_exit(0);
}

void serve(Wire& wire, Request& request) {
  request.error = 0;
  bool known = false;
  for (const RequestHandler handler : g_handlers)
    known = known || (handler && handler(wire, request));
  if (!known) request.error = EOPNOTSUPP;
  request.kind = uint32_t(RequestKind::kNone);
}

}  // namespace

void yield_turn(Wire& wire) {
  give_turn_and_wait(wire);
  while (wire.request.kind != uint32_t(RequestKind::kNone)) {
    serve(wire, wire.request);
    give_turn_and_wait(wire);
  }
}

void announce_stop(Wire& wire) {
  if (has_one_processor()) return;
  wire.turn.store(uint32_t(Turn::kSoon));
  if (wire.sleeping.exchange(0) != 0)
    ::syscall(SYS_futex, &wire.turn, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

void add_request_handler(RequestHandler handler) {
  for (RequestHandler& place : g_handlers) {
    if (place) continue;
    place = handler;
    return;
  }
}

void add_report(Wire& wire, const Report& report) {
  if (wire.reports_written >= kMostReports) {
    wire.stop.kind = StopKind::kReports;
    wire.stop.count = report.count;
    wire.stop.task = report.task;
    yield_turn(wire);
  }
  wire.reports[wire.reports_written++] = report;
}

namespace {

bool is_in(const uint64_t (&numbers)[kMostCalls / 64], uint64_t nr) {
  return (numbers[nr / 64] >> (nr % 64) & 1) != 0;
}

bool is_in(const CallSet& calls, uint32_t abi, uint64_t nr, uint64_t (*value)(Gpr)) {
  if (is_in(calls.all[abi], nr)) return true;
  if (!is_in(calls.tested[abi], nr)) return false;
  for (uint32_t i = 0; i < calls.tests_count && i < kMostCallTests; ++i) {
    const CallTest& test = calls.tests[i];
    if (test.abi != abi || test.nr != nr || test.gpr > kR15) continue;
    const bool holds = (value(Gpr(test.gpr)) & test.mask) == test.value;
    if (holds == (test.negated != 0)) return false;
  }
  return true;
}

}  // namespace

bool is_interesting(const Wire& wire, uint32_t abi, uint64_t nr, uint64_t (*value)(Gpr)) {
  return nr >= kMostCalls || is_in(wire.interesting, abi, nr, value);
}

bool is_told_late(const Wire& wire, uint32_t abi, uint64_t nr, uint64_t (*value)(Gpr)) {
  return nr < kMostCalls && is_in(wire.told_late, abi, nr, value);
}

uint32_t task_flags(const Wire& wire, uint64_t task) {
  constexpr uint32_t kMask = kTaskSlots - 1;
  for (uint32_t i = 0, at = task_hash(task); i < kTaskSlots; ++i, at = (at + 1) & kMask) {
    const TaskSlot& slot = wire.tasks[at];
    if (slot.task == 0) break;
    if (slot.task == task) return slot.flags;
  }
  return wire.watch_all ? uint32_t{kWatchCalls} : 0;
}

}  // namespace fptrace::emu
