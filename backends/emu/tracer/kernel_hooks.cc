#include "backends/emu/tracer/kernel_hooks.h"

#include "common/syscall/table.h"

namespace fptrace::emu {
namespace {

constexpr struct {
  Hook hook;
  const char* function;
} kHooks[] = {{Hook::kNewTask, "wake_up_new_task"},  {Hook::kTaskEnd, "do_exit"},
              {Hook::kSignalWork, "get_signal"},     {Hook::kHandler, "signal_setup_done"},
              {Hook::kNewProgram, "begin_new_exec"}, {Hook::kFatal, "do_group_exit"}};

bool is_wanted(const SyscallRow& row, Calls calls) {
  switch (calls) {
    case Calls::kDecoded:
      return row.attention != Attention::kNone;
    case Calls::kAll:
      return true;
    case Calls::kExec:
      return row.name == "execve" || row.name == "execveat";
  }
  return true;
}

void choose_calls(Channel& channel, Calls calls) {
  // A number that the table does not know is an event, too.
  for (uint32_t abi = 0; abi < 3; ++abi)
    for (uint32_t nr = 0; nr < kMostCalls; ++nr) {
      const SyscallRow* row = find_syscall(Abi(abi), nr);
      if (!row || is_wanted(*row, calls)) channel.set_interesting(abi, nr);
    }
}

}  // namespace

Result<void> set_up_channel(Channel& channel, const GuestKernel& kernel, Calls calls) {
  const auto lacks = [&kernel](const std::string& what) {
    return fail(Errc::kUnsupported, "the guest's kernel " + kernel.release() +
                                        " does not tell where " + what +
                                        " is: it needs CONFIG_KALLSYMS");
  };
  const auto current = kernel.physical(kernel.current_location());
  if (!current) return lacks("the current task");
  for (const auto& [hook, function] : kHooks) {
    const uint64_t address = kernel.symbol(function);
    if (address == 0) return lacks(function);
    channel.set_hook(uint32_t(hook), address);
  }
  channel.set_current_paddr(*current);
  choose_calls(channel, calls);
  return {};
}

}  // namespace fptrace::emu
