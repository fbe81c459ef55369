#include "backends/emu/tracer/kernel_hooks.h"

#include <utility>
#include <vector>

#include "backends/emu/tracer/guest.h"
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
  if (calls == Calls::kExec) return row.name == "execve" || row.name == "execveat";
  return row.attention != Attention::kNone;
}

// The call as it is in `abi`. A tested argument whose place is not certain makes it interesting.
void choose_call(Channel& channel, const SyscallRow& row, Abi abi, uint32_t nr) {
  std::vector<CallTest> tests;
  for (const auto& [test, negated] : {std::pair(row.only_if, false), {row.unless, true}}) {
    if (!test) continue;
    const auto gpr = register_of(abi, test->arg);
    if (!gpr) return channel.set_interesting(uint32_t(abi), nr);
    const uint64_t mask = abi == Abi::kI386 ? uint32_t(test->mask) : test->mask;
    tests.push_back({uint32_t(abi), nr, *gpr, negated, mask, test->value & mask});
  }
  if (tests.empty()) return channel.set_interesting(uint32_t(abi), nr);
  for (const CallTest& test : tests) channel.add_call_test(test);
}

void choose_calls(Channel& channel, Calls calls) {
  // A number that the table does not know is an event, too.
  for (uint32_t abi = 0; abi < 3; ++abi)
    for (uint32_t nr = 0; nr < kMostCalls; ++nr) {
      const SyscallRow* row = find_syscall(Abi(abi), nr);
      if (!row || calls == Calls::kAll)
        channel.set_interesting(abi, nr);
      else if (is_wanted(*row, calls))
        choose_call(channel, *row, Abi(abi), nr);
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
