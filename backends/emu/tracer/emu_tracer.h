#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/emu/recording/machine_run.h"
#include "backends/emu/tracer/kernel_hooks.h"
#include "backends/emu/tracer/observer.h"
#include "common/event/tracer.h"

namespace fptrace::emu {

struct Options {
  // What is recorded. run() fills in argv and plugins.
  RecordRequest record;
  // Not empty: replay this bundle, and run no command.
  std::string replay;
  // Trace while recording, in one go: slower to record, nothing to replay.
  bool live = false;
  // Keep the recording in this file; empty: do not.
  std::string keep;
  // The plugin; empty: the one that belongs to this build.
  std::string plugin;
  bool hash = true;            // report contents (ContentEvent)
  bool whole_machine = false;  // every process of the guest, not the program's tree alone
  bool openers = false;        // tell of each open which object made it
  Calls calls = Calls::kDecoded;
  // Who else looks at the guest; they must outlive the run. One that has seen enough ends it with
  // exit status 0.
  std::vector<Observer*> observers;
  // Where the program's output goes; null: to standard output and error.
  OutputSink output;
  // As those of the ptrace backend.
  std::function<void(uint64_t events, uint64_t processes)> progress;
  std::function<void(const std::string& sentence)> warn;
};

// Records the command in a virtual machine and tells from the replay what it did. Errors of run():
// kTracee when the program could not be started (sys: the errno of execve), kUnsupported when this
// host lacks something, kBackend when the machine failed.
Result<std::unique_ptr<Tracer>> make_tracer(Options options);

// Where the plugin is: beside the program that runs, in its library directory, or where it was
// built. An error says where it was looked for.
Result<std::string> find_plugin();

}  // namespace fptrace::emu
