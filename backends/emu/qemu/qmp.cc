#include "backends/emu/qemu/qmp.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace fptrace::emu {
namespace {

using nlohmann::json;

constexpr size_t kLongestLine = 16u << 20;

// -1: no time left.
int milliseconds_until(Qmp::Deadline deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - Qmp::Deadline::clock::now());
  return int(std::clamp<int64_t>(left.count(), 0, 3'600'000));
}

std::string event_name(const json& message) {
  const auto it = message.find("event");
  return it != message.end() && it->is_string() ? it->get<std::string>() : std::string();
}

}  // namespace

// Whether bytes came.
bool Qmp::fill(Deadline deadline) {
  for (;;) {
    pollfd p{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&p, 1, milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      errno = ETIMEDOUT;
      return false;
    }
    char buffer[4096];
    const ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n == 0) errno = ECONNRESET;
    if (n <= 0) return false;
    received_.append(buffer, size_t(n));
    return true;
  }
}

Result<std::string> Qmp::read_line(Deadline deadline) {
  size_t end;
  while ((end = received_.find('\n')) == std::string::npos) {
    if (received_.size() > kLongestLine) return fail(Errc::kBackend, "QEMU talks without end");
    if (!fill(deadline)) return fail(Errc::kBackend, "QEMU does not answer", errno);
  }
  std::string line = received_.substr(0, end);
  received_.erase(0, end + 1);
  return line;
}

Result<void> Qmp::greet(Deadline deadline) {
  auto hello = read_line(deadline);
  if (!hello) return fail(hello.error());
  auto done = execute("qmp_capabilities", "", deadline);
  if (!done) return fail(done.error());
  return {};
}

Result<std::string> Qmp::execute(const std::string& command, const std::string& arguments,
                                 Deadline deadline) {
  std::string line = R"({"execute":")" + command + '"';
  if (!arguments.empty()) line += ",\"arguments\":" + arguments;
  line += "}\n";
  for (size_t sent = 0; sent < line.size();) {
    const ssize_t n = ::send(socket_.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Errc::kBackend, "QEMU does not listen", errno);
    sent += size_t(n);
  }
  for (;;) {
    auto answer = read_line(deadline);
    if (!answer) return fail(answer.error());
    const json message = json::parse(*answer, nullptr, false);
    if (!message.is_object()) return fail(Errc::kBackend, "QEMU answers nonsense");
    if (auto name = event_name(message); !name.empty()) events_.push_back(std::move(name));
    if (const auto it = message.find("return"); it != message.end()) return it->dump();
    if (const auto it = message.find("error"); it != message.end())
      return fail(Errc::kBackend, "QEMU refuses " + command + ": " + it->value("desc", ""));
  }
}

Result<void> Qmp::human(const std::string& line, Deadline deadline) {
  const json arguments{{"command-line", line}};
  auto printed = execute("human-monitor-command", arguments.dump(), deadline);
  if (!printed) return fail(printed.error());
  const json text = json::parse(*printed, nullptr, false);
  if (text == "") return {};
  std::string why = text.is_string() ? text.get<std::string>() : *printed;
  while (why.ends_with('\n') || why.ends_with('\r')) why.pop_back();
  return fail(Errc::kBackend, "QEMU: " + line + ": " + why);
}

std::vector<std::string> Qmp::events() {
  while (fill(Deadline::clock::now())) {}
  for (size_t end; (end = received_.find('\n')) != std::string::npos; received_.erase(0, end + 1)) {
    const json message = json::parse(received_.substr(0, end), nullptr, false);
    if (!message.is_object()) continue;
    if (auto name = event_name(message); !name.empty()) events_.push_back(std::move(name));
  }
  return std::exchange(events_, {});
}

}  // namespace fptrace::emu
