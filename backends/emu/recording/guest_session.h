#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "backends/emu/qemu/process.h"
#include "backends/emu/recording/machine_run.h"
#include "common/base/child_process.h"
#include "common/base/result.h"

namespace fptrace::emu {

// What goes over the line to a guest, from its first instruction to the end of its program.
struct SessionOptions {
  std::optional<std::string> job;  // encoded; none: a replay, to which nothing can be said
  int input = -1;                  // the descriptor the program's input is read from; -1: none
  std::chrono::seconds timeout{0};
  std::string console;  // the file with what the kernel prints
};

struct SessionResult {
  ExitStatus exit;
  uint64_t first_instruction = 0, instructions = 0;  // as in a BundleHeader
  uint64_t output_bytes = 0;
  std::string guest_sha256;
};

// See MachineRun::serve().
Result<SessionResult> serve_guest(QemuProcess& qemu, const SessionOptions& options,
                                  const OutputSink& output, const std::stop_token& stop);

}  // namespace fptrace::emu
