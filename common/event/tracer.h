#pragma once
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/event/event.h"

namespace fptrace {

// What a backend can report and what an analysis needs. Bits, so `needs & ~has` is the gap.
enum class Cap : uint32_t {
  kNone = 0,
  kProcesses = 1,  // start, fork, thread, exec, exit
  kFiles = 2,      // every call that names or receives a file
  kMaps = 4,       // executable mappings
  kSignals = 8,
  kContent = 16,  // ContentEvents
  kTaint = 32,
  kOpeners = 64,  // OpenEvent::opener
};
constexpr Cap operator|(Cap a, Cap b) { return Cap(uint32_t(a) | uint32_t(b)); }
constexpr Cap missing(Cap needs, Cap has) { return Cap(uint32_t(needs) & ~uint32_t(has)); }

// What to run: argv[0] is looked up in PATH as execvp does. Environment, cwd and descriptors are
// the caller's own.
struct Command {
  std::vector<std::string> argv;
};

class EventSink {
 public:
  virtual ~EventSink() = default;
  // Called in seq order, never concurrently. An error stops the reporting, not the traced program:
  // the tracer lets the program go on to its end and then returns the error.
  virtual Result<void> on_event(const Event& event) = 0;
  // Nothing has happened for a while, and nothing may for long: a good moment to bring what was
  // collected to safety. Errors as above.
  virtual Result<void> on_idle() { return {}; }
};

// Runs one command (or replays one recording of it) and reports what its process tree did.
// Backend-only settings belong to the backend's factory, never here.
class Tracer {
 public:
  virtual ~Tracer() = default;
  virtual Cap capabilities() const = 0;
  // Blocks until the whole tree has exited or `stop` is requested. `sink` must outlive the
  // call. Returns the root's exit status; a tracee's own failure is not an error.
  virtual Result<ExitStatus> run(const Command& cmd, EventSink& sink,
                                 std::stop_token stop = {}) = 0;
};

// A sink with a result, refused up front by a backend that cannot feed it.
class Analysis : public EventSink {
 public:
  virtual Cap needs() const = 0;
};

}  // namespace fptrace
