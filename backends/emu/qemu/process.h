#pragma once
#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/emu/qemu/machine.h"
#include "backends/emu/qemu/qemu_binary.h"
#include "backends/emu/qemu/qmp.h"
#include "backends/emu/qemu/same_processor.h"
#include "common/base/child_process.h"
#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace::emu {

// A running QEMU. It is in a session of its own (a terminal's Ctrl-C is for fptrace, which
// decides), dies with the thread that started it, and is killed and reaped by the destructor.
class QemuProcess {
 public:
  // `launch`'s descriptors are filled in here. What QEMU itself says goes to the file `log`.
  static Result<std::unique_ptr<QemuProcess>> start(const Qemu& qemu, const Machine& machine,
                                                    const MachineFiles& files, Launch launch,
                                                    const std::string& log);
  ~QemuProcess();
  QemuProcess(const QemuProcess&) = delete;
  QemuProcess& operator=(const QemuProcess&) = delete;

  pid_t pid() const { return pid_; }
  Qmp& qmp() { return qmp_; }
  int to_guest() const { return to_guest_.get(); }      // does not block
  int from_guest() const { return from_guest_.get(); }  // does not block; ends with QEMU
  // A thread of the calling process that the guest waits for while it answers a plugin.
  void answered_by(pid_t thread) { same_processor_->take_along(thread); }
  // Stops the machine and saves its state, over an older one. Its memory is not part of that: the
  // file MachineFiles::ram is, from then on, as long as nothing runs with it.
  Result<void> save_state();
  // Into a machine that has not run yet.
  Result<void> restore_state();
  // Makes it write what it has to write and end; kills it if that takes too long.
  Result<void> quit();
  // Once it has ended by itself: how, and what it said last.
  std::string obituary();

 private:
  QemuProcess(pid_t pid, UniqueFd qmp, UniqueFd to_guest, UniqueFd from_guest, std::string log)
      : pid_(pid),
        qmp_(std::move(qmp)),
        to_guest_(std::move(to_guest)),
        from_guest_(std::move(from_guest)),
        log_(std::move(log)) {}
  // False when it still runs at the deadline.
  bool wait(Qmp::Deadline deadline);

  pid_t pid_;  // -1: reaped
  int status_ = 0;
  Qmp qmp_;
  UniqueFd to_guest_, from_guest_;
  std::string log_;
  std::optional<SameProcessor> same_processor_;
};

// The last line that is not blank of a text file; empty when there is none.
std::string last_line_of(const std::string& path);

}  // namespace fptrace::emu
