#pragma once
#include <cstdint>
#include <set>
#include <string>

#include "backends/emu/channel/channel.h"
#include "backends/emu/osi/guest_kernel.h"
#include "common/base/result.h"

namespace fptrace::emu {

// Functions of the kernel at whose entry the guest stops. Their arguments have been the same since
// 5.8 at least; each is global, so that no compiler can take it away.
enum class Hook : uint32_t {
  kNewTask,     // wake_up_new_task(task): a clone succeeded, the child has not run yet
  kTaskEnd,     // do_exit(code): the caller ends, whatever the reason
  kSignalWork,  // get_signal(ksignal): on the way out of a call that is awaited, a signal waits
  kHandler,     // signal_setup_done(failed, ksignal, stepping): its handler runs next
  kNewProgram,  // begin_new_exec(bprm): an exec succeeds, and all of the old program is still
                // there. Only where its arguments could not be read before
};

// Which system calls the guest stops at.
enum class Calls {
  kDecoded,  // those that can be events
  kAll,
  kExec,  // what a trace of processes alone needs
};

// Tells the plugin where they are, where the current task is named, and which calls matter. At a
// stop. `all_at_once`: none is told late (see wire.h). An error names what the kernel lacks.
Result<void> set_up_channel(Channel& channel, const GuestKernel& kernel, Calls calls,
                            bool all_at_once);

}  // namespace fptrace::emu
