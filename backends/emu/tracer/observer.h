#pragma once
#include <cstdint>
#include <functional>

#include "backends/emu/channel/channel.h"
#include "backends/emu/recording/disk_reader.h"
#include "backends/emu/tracer/guest.h"
#include "backends/emu/tracer/guest_thread.h"
#include "common/base/result.h"
#include "common/event/tracer.h"

namespace fptrace::emu {

// What an observer can look at while the guest stands still.
struct Sight {
  Guest& guest;
  Channel& channel;
  GuestThreads& threads;  // of the trace
  uint64_t begin;         // StopRecord::count when the program began
  // Makes an event of the trace, of a process that the session has told of and whose end it has
  // not, or of none.
  const std::function<void(const GuestThread*, EventBody)>& emit;
  const DiskReader* disk;  // what the guest began with; null: there is none

  const StopRecord& stop() const { return channel.stop(); }
  // Instructions that the guest has begun since the program did: the time of all that is told.
  uint64_t instructions() const { return stop().count - begin; }
};

// Somebody who looks at a guest besides the session that turns its stops into events. Called on the
// session's thread. An error ends the run and is what it ends with.
class Observer {
 public:
  enum class Next { kGoOn, kEnough /* no need to run the rest */ };

  virtual ~Observer() = default;
  // What it reports beyond what the session does.
  virtual Cap capabilities() const { return Cap::kNone; }
  // Before QEMU is started: what the plugin is to be ready for.
  virtual void prepare(Channel&) {}
  // The kernel is known, and none of the guest has run.
  virtual Result<void> kernel_found(Channel&, const GuestKernel&) { return {}; }
  // The program is about to begin.
  virtual Result<Next> program_begins(const Sight&) { return Next::kGoOn; }
  // Each stop from there to the program's end, before the session acts on it; what the plugin
  // reported until then is in Channel::reports().
  virtual Result<Next> stopped(const Sight&) { return Next::kGoOn; }
  // The program has ended; what the plugin reported last is there.
  virtual Result<void> program_ended(const Sight&) { return {}; }
};

}  // namespace fptrace::emu
