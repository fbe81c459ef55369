#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace::emu {

// The control connection of one QEMU (QMP, docs/interop/qmp-spec.rst in QEMU): lines of JSON.
// Not thread-safe.
class Qmp {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // `socket` is connected to QEMU's monitor.
  explicit Qmp(UniqueFd socket) : socket_(std::move(socket)) {}
  int fd() const { return socket_.get(); }

  Result<void> greet(Deadline deadline);
  // Executes `command` with `arguments` (a JSON object, or empty) and returns the JSON text of what
  // it gives back. Events that come meanwhile are kept for events().
  Result<std::string> execute(const std::string& command, const std::string& arguments,
                              Deadline deadline);
  // A command of the human monitor; it has failed if it prints anything.
  Result<void> human(const std::string& line, Deadline deadline);

  // Names of the events since the last call, reading what is there without waiting.
  std::vector<std::string> events();

 private:
  Result<std::string> read_line(Deadline deadline);
  bool fill(Deadline deadline);

  UniqueFd socket_;
  std::string received_;
  std::vector<std::string> events_;
};

}  // namespace fptrace::emu
