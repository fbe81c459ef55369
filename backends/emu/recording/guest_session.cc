#include "backends/emu/recording/guest_session.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "backends/emu/guest/frame_reader.h"
#include "common/base/text.h"
#include "common/content/sha256.h"

namespace fptrace::emu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// A replay that says nothing and does not come forward for that long has left its recording.
constexpr seconds kStalled{30};
// How often it is asked where it is.
constexpr seconds kLook{1};
constexpr seconds kAnswer{5};

// What the kernel says about its panic (kernel/panic.c in Linux); empty: there was none.
std::string panic_line(const std::string& console) {
  constexpr std::string_view kPanic = "Kernel panic";
  std::ifstream file(console);
  for (std::string line; std::getline(file, line);) {
    const size_t at = line.find(kPanic);
    if (at == line.npos) continue;
    while (line.ends_with('\r')) line.pop_back();
    return line.substr(at);
  }
  return {};
}

class Session {
 public:
  Session(QemuProcess& qemu, const SessionOptions& options, const OutputSink& output)
      : qemu_(qemu), options_(options), output_(output) {}
  Result<SessionResult> run(const std::stop_token& stop);

 private:
  bool recording() const { return options_.job.has_value(); }
  void queue_job();
  void queue(ToGuest type, std::string_view content) { to_send_ += make_frame(type, content); }
  void read_input();
  Result<void> send();
  Result<void> receive();
  Result<void> handle(const FrameReader::Frame& frame);
  Result<void> handle_exit(const std::string& content);
  void pass_output(Stream stream, const std::string& data);
  Result<void> look_at_replay();
  Result<void> wait(int stop_fd);
  Error guest_gone();
  Error left(const std::string& how);
  uint64_t instructions();

  QemuProcess& qemu_;
  const SessionOptions& options_;
  const OutputSink& output_;
  FrameReader reader_;
  Sha256Stream said_;  // all frames, as they came
  uint64_t output_bytes_ = 0;
  std::string to_send_;          // what the pipe had no room for
  std::deque<std::string> job_;  // frames that wait for credit
  uint32_t under_way_ = 0;       // frames that the guest gave no credit for yet
  bool input_open_ = false;
  std::array<bool, 2> closed_{};
  std::optional<ExitStatus> exit_;
  steady_clock::time_point deadline_, last_look_, last_progress_ = steady_clock::now();
  uint64_t first_count_ = 0, last_count_ = 0;
};

void Session::queue_job() {
  const std::string& job = *options_.job;
  for (size_t at = 0; at < job.size(); at += kMaxFrame)
    job_.push_back(make_frame(ToGuest::kJob, std::string_view(job).substr(at, kMaxFrame)));
}

// Moves job frames out as there is credit, then whatever of the program's input there is.
void Session::read_input() {
  char buffer[kMaxFrame];
  const ssize_t n = ::read(options_.input, buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n > 0) {
    queue(ToGuest::kInput, {buffer, size_t(n)});
    ++under_way_;
    return;
  }
  queue(ToGuest::kInputEnd, {});
  input_open_ = false;
}

Result<void> Session::send() {
  while (!job_.empty() && under_way_ < kWindow) {
    to_send_ += job_.front();
    job_.pop_front();
    ++under_way_;
    if (!job_.empty()) continue;
    queue(ToGuest::kJobEnd, {});
    input_open_ = options_.input >= 0;
  }
  while (!to_send_.empty()) {
    const ssize_t n = ::write(qemu_.to_guest(), to_send_.data(), to_send_.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return {};
    if (n < 0) return fail(guest_gone());
    to_send_.erase(0, size_t(n));
  }
  return {};
}

void Session::pass_output(Stream stream, const std::string& data) {
  output_bytes_ += data.size();
  bool& closed = closed_[size_t(stream)];
  if (closed || output_(stream, data.data(), data.size())) return;
  closed = true;
  const uint32_t number = stream == Stream::kOut ? 1 : 2;
  if (recording()) queue(ToGuest::kClosed, {reinterpret_cast<const char*>(&number), sizeof number});
}

Result<void> Session::handle_exit(const std::string& content) {
  Exited exited;
  if (content.size() != sizeof exited)
    return fail(Errc::kBackend, "the guest's init is of another version of fptrace");
  std::memcpy(&exited, content.data(), sizeof exited);
  exit_ = WIFSIGNALED(exited.status) ? ExitStatus{0, WTERMSIG(exited.status)}
                                     : ExitStatus{WEXITSTATUS(exited.status), 0};
  return {};
}

Result<void> Session::handle(const FrameReader::Frame& frame) {
  said_.add(make_frame(ToGuest(frame.type), frame.content));
  const auto number = frame.number();
  switch (frame.type) {
    case ToHost::kReady:
      return {};
    case ToHost::kOutput:
      pass_output(Stream::kOut, frame.content);
      return {};
    case ToHost::kError:
      pass_output(Stream::kErr, frame.content);
      return {};
    case ToHost::kCredit:
      under_way_ -= std::min(under_way_, number.value_or(0));
      return {};
    case ToHost::kExecFailed: {
      const int error = int(number.value_or(EINVAL));
      return fail(Errc::kTracee,
                  "cannot run the program: " + std::generic_category().message(error), error);
    }
    case ToHost::kExited:
      return handle_exit(frame.content);
    case ToHost::kFailed:
      return fail(Errc::kBackend, "the guest's init: " + printable(frame.content));
  }
  return {};
}

Result<void> Session::receive() {
  char buffer[64 << 10];
  const ssize_t n = ::read(qemu_.from_guest(), buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  if (n <= 0) return fail(guest_gone());
  last_progress_ = steady_clock::now();
  reader_.add({buffer, size_t(n)});
  while (!exit_) {
    auto frame = reader_.next();
    if (!frame) return fail(frame.error());
    if (!*frame) return {};
    if (auto ok = handle(**frame); !ok) return ok;
  }
  return {};
}

// For a replay: what it does is not what was recorded.
Error Session::left(const std::string& how) {
  return {Errc::kBackend,
          "the replay left its recording at or after instruction " + std::to_string(last_count_) +
              ": " + how,
          0};
}

// QEMU ended, and not because it was told to.
Error Session::guest_gone() {
  const std::string said = qemu_.obituary();
  if (!recording()) return left(said);
  if (const std::string panic = panic_line(options_.console); !panic.empty())
    return {Errc::kBackend, "the guest's kernel panicked: " + printable(panic), 0};
  const std::string kernel = printable(last_line_of(options_.console));
  return {Errc::kBackend, "the guest ended before the program: " + (kernel.empty() ? said : kernel),
          0};
}

uint64_t Session::instructions() {
  const auto answer = qemu_.qmp().execute("query-replay", "", steady_clock::now() + kAnswer);
  if (!answer) return 0;
  const auto j = nlohmann::json::parse(*answer, nullptr, false);
  const auto it = j.find("icount");
  return it != j.end() && it->is_number() ? it->get<uint64_t>() : 0;
}

// QEMU stops at the end of the log, and waits for ever where an event never comes.
Result<void> Session::look_at_replay() {
  const auto now = steady_clock::now();
  const auto events = qemu_.qmp().events();
  const bool over = std::ranges::find(events, "STOP") != events.end();
  if (!over && now - last_look_ < kLook) return {};
  last_look_ = now;
  const uint64_t count = instructions();
  // It works, or a plugin keeps it from answering.
  if (count == 0 || count != last_count_) last_progress_ = now;
  if (count != 0) last_count_ = count;
  if (over) return fail(left("it went on after the end of the log"));
  if (now - last_progress_ < kStalled) return {};
  return fail(left("it waits for what does not come"));
}

Result<void> Session::wait(int stop_fd) {
  std::array<pollfd, 5> fds{
      pollfd{qemu_.from_guest(), POLLIN, 0}, pollfd{stop_fd, POLLIN, 0},
      pollfd{to_send_.empty() ? -1 : qemu_.to_guest(), POLLOUT, 0},
      pollfd{input_open_ && under_way_ < kWindow ? options_.input : -1, POLLIN, 0},
      pollfd{recording() ? -1 : qemu_.qmp().fd(), POLLIN, 0}};
  int timeout = recording() ? -1 : 1000;
  if (options_.timeout.count() > 0) {
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - steady_clock::now()).count();
    if (left <= 0)
      return fail(Errc::kBackend, "the program did not end within " +
                                      std::to_string(options_.timeout.count()) +
                                      " s (--timeout); nothing was kept of it");
    timeout = int(std::min<int64_t>(left, timeout < 0 ? 3600000 : timeout));
  }
  if (::poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR) return fail_errno("poll");
  if (fds[1].revents != 0) return fail(Errc::kBackend, "interrupted", ECANCELED);
  if (fds[0].revents != 0) {
    if (auto ok = receive(); !ok) return ok;
  }
  if (fds[3].revents != 0) read_input();
  return recording() || exit_ ? Result<void>() : look_at_replay();
}

Result<SessionResult> Session::run(const std::stop_token& stop) {
  const UniqueFd stop_fd(::eventfd(0, EFD_CLOEXEC));
  if (!stop_fd) return fail_errno("eventfd");
  const std::stop_callback on_stop(stop, [&] {
    const uint64_t one = 1;
    (void)!::write(stop_fd.get(), &one, sizeof one);
  });
  deadline_ = steady_clock::now() + options_.timeout;
  first_count_ = last_count_ = instructions();
  auto started = qemu_.qmp().execute("cont", "", steady_clock::now() + seconds(300));
  if (!started) return fail(started.error());
  if (recording()) queue_job();
  while (!exit_) {
    if (auto ok = send(); !ok) return fail(ok.error());
    if (auto ok = wait(stop_fd.get()); !ok) return fail(ok.error());
  }
  const auto hash = said_.finish();
  if (!hash) return fail(hash.error());
  return SessionResult{*exit_, first_count_, instructions(), output_bytes_, to_hex(*hash)};
}

}  // namespace

Result<SessionResult> serve_guest(QemuProcess& qemu, const SessionOptions& options,
                                  const OutputSink& output, const std::stop_token& stop) {
  return Session(qemu, options, output).run(stop);
}

}  // namespace fptrace::emu
