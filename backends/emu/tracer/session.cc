#include "backends/emu/tracer/session.h"

#include <sys/wait.h>

#include "backends/emu/osi/open_files.h"

namespace fptrace::emu {
namespace {

// A guest instruction takes 2^5 ns of the guest's time (-icount shift=5).
constexpr uint64_t kNsPerInstruction = 32;
constexpr pid_t kInit = 1;
constexpr uint64_t kEventsPerProgress = 1024;

}  // namespace

Result<std::optional<ExitStatus>> Session::run(TraceStartEvent start,
                                               const std::function<bool()>& call_off) {
  start_ = std::move(start);
  // Its memory is there, and QEMU is still busy with the rest. If it fails now on_ready() tells.
  (void)find_kernel();
  for (;;) {
    const Channel::Wait wait = channel_.wait(call_off);
    if (wait != Channel::Wait::kStopped) break;
    const bool last = stop().kind == StopKind::kEnd;
    const auto handled = on_stop();
    if (!handled || saw_enough_) {
      channel_.quit();
    } else {
      channel_.clear_reports();
      channel_.resume();
    }
    tell();
    if (!handled) return fail(handled.error());
    if (saw_enough_ || last) break;
  }
  if (sink_error_) return fail(*sink_error_);
  return status_;
}

// Between the program's two marks.
Result<void> Session::let_observe(Result<Observer::Next> (Observer::*what)(const Sight&)) {
  if (!guest_ || status_) return {};
  for (Observer* const observer : options_.observers) {
    const auto next = (observer->*what)(sight());
    if (!next) return fail(next.error());
    saw_enough_ = saw_enough_ || *next == Observer::Next::kEnough;
  }
  return {};
}

Result<void> Session::on_stop() {
  if (status_) return {};  // all is told, and the machine may be gone at any moment
  if (auto ok = let_observe(&Observer::stopped); !ok) return ok;
  return saw_enough_ ? Result<void>() : handle_stop();
}

Result<void> Session::handle_stop() {
  switch (stop().kind) {
    case StopKind::kReady:
      return on_ready();
    case StopKind::kMarker:
      return on_marker();
    case StopKind::kSyscall:
      return on_call();
    case StopKind::kReturn:
      return on_return();
    case StopKind::kHook:
      return on_hook();
    case StopKind::kNone:
    case StopKind::kSwitch:
    case StopKind::kEnd:
    case StopKind::kReports:
    case StopKind::kMoment:
    case StopKind::kFound:
    case StopKind::kPage:
      return {};
  }
  return fail(Errc::kBackend, "the plugin reports a stop of a kind that does not exist");
}

Result<void> Session::find_kernel() {
  if (kernel_) return {};
  auto kernel = GuestKernel::find(memory_);
  if (!kernel) return fail(kernel.error());
  kernel_.emplace(*std::move(kernel));
  return {};
}

Result<void> Session::on_ready() {
  if (auto found = find_kernel(); !found) return found;
  for (Observer* const observer : options_.observers)
    if (auto ok = observer->kernel_found(channel_, *kernel_); !ok) return ok;
  // Observers see the guest as it is when a call begins; and a task that was not known before is
  // told of when it makes one.
  const bool all_at_once = !options_.observers.empty() || options_.whole_machine;
  return set_up_channel(channel_, *kernel_, options_.calls, all_at_once);
}

// Every program can execute the instruction: only the first mark begins a trace, and only init's
// ends it.
Result<void> Session::on_marker() {
  const uint64_t task = stop().task;
  const auto what = Marker(uint32_t(stop().cpu.gpr[kRcx]));
  if (!kernel_ || task == 0) return {};
  if (what == Marker::kProgramBegins && !guest_) return begin(task);
  const auto info = guest_ ? guest_->tasks().info(task) : std::nullopt;
  if (what != Marker::kProgramEnded || !info || info->pid != kInit || status_) return {};
  for (Observer* const observer : options_.observers)
    if (auto ok = observer->program_ended(sight()); !ok) return ok;
  finish(int(uint32_t(stop().cpu.gpr[kRbx])));
  return {};
}

Result<void> Session::begin(uint64_t task) {
  const auto info = GuestTasks(*kernel_).info(task);
  if (!info) return fail(Errc::kBackend, "the program's first task cannot be read");
  guest_.emplace(*kernel_, GuestNames(*kernel_, {}).root_of(task));
  // Our init has looked at all of it before it said that the program begins.
  guest_->view().remembers_all();
  if (options_.hash) {
    contents_.emplace(guest_->view().file_system(), disk_);
    tracker_.emplace(0u, nullptr, *contents_);
  }
  first_count_ = stop().count;
  start_.kernel = kernel_->release();
  emit(nullptr, start_);
  GuestThread& thread = threads_.add_process(*guest_, *info, {});
  root_ = thread.process->key;
  report_descriptors(thread);
  channel_.watch_all(options_.whole_machine);
  if (options_.whole_machine)
    for (const uint64_t process : guest_->tasks().processes()) (void)find_or_adopt(process);
  if (auto ok = watch(thread); !ok) return ok;
  return let_observe(&Observer::program_begins);
}

void Session::report_descriptors(GuestThread& thread) {
  // As with execve: what closes then is not the program's.
  const OpenFiles files(guest_->names(), thread.task);
  for (const int fd : files.numbers()) {
    auto open = thread.view.descriptor(fd);
    if (open && (open->flags & O_CLOEXEC) == 0)
      emit(&thread, FdEvent{FdOrigin::kInherited, fd, open->flags, std::move(open->file)});
  }
}

void Session::finish(int wait_status) {
  // Whatever is left of the program will not run any more.
  for (const GuestThread* thread : threads_.all()) channel_.forget_task(thread->task);
  channel_.watch_all(false);
  status_ = WIFSIGNALED(wait_status) ? ExitStatus{0, WTERMSIG(wait_status)}
                                     : ExitStatus{WEXITSTATUS(wait_status), 0};
  if (tracker_) {
    std::vector<EventBody> bodies;
    tracker_->finish(bodies);
    for (auto& body : bodies) emit(nullptr, std::move(body));
  }
  emit(nullptr, TraceEndEvent{*status_});
  if (options_.progress) options_.progress(seq_, threads_.processes_seen());
}

Result<void> Session::watch(GuestThread& thread, uint32_t more_flags) {
  return channel_.set_task(thread.task, kWatchCalls | thread.observed | more_flags);
}

void Session::emit_contents() {
  std::vector<EventBody> bodies;
  tracker_->take_ready(bodies);
  for (auto& body : bodies) emit(nullptr, std::move(body));
}

void Session::emit(const GuestThread* thread, EventBody body) {
  if (thread) return emit(thread->process->key, thread->tid, std::move(body));
  emit(ProcessKey{}, 0, std::move(body));
}

void Session::emit(ProcessKey process, pid_t tid, EventBody body) {
  const uint64_t time = (stop().count - first_count_) * kNsPerInstruction;
  untold_.push_back({++seq_, time, process, tid, std::move(body)});
  if (tracker_) tracker_->observe(untold_.back());
}

void Session::tell() {
  for (const Event& event : untold_) {
    if (sink_error_) break;
    if (auto r = sink_.on_event(event); !r) sink_error_ = r.error();
    if (options_.progress && event.seq % kEventsPerProgress == 0)
      options_.progress(event.seq, threads_.processes_seen());
  }
  untold_.clear();
}

}  // namespace fptrace::emu
