#include "backends/emu/tracer/new_life.h"

#include "backends/emu/tracer/kernel_hooks.h"

namespace fptrace::emu {

Result<void> tell_new_lives(const Sight& sight) {
  const StopRecord& stop = sight.stop();
  const bool ends = stop.kind == StopKind::kHook && Hook(stop.detail) == Hook::kTaskEnd;
  if (!ends && stop.kind != StopKind::kReturn) return {};
  const GuestThread* const thread = sight.threads.find(stop.task);
  const bool exec_done =
      thread && thread->is_exec && thread->pending && sight.guest.mm(stop.task) != thread->mm;
  if (!ends && !exec_done) return {};
  Request request{};
  request.kind = uint32_t(RequestKind::kNewLife);
  request.args[0] = stop.task;
  return sight.channel.ask(request);
}

}  // namespace fptrace::emu
