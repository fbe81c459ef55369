#include "backends/emu/tracer/kernel_hooks.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "backends/emu/tracer/guest.h"
#include "common/syscall/table.h"

namespace fptrace::emu {
namespace {

constexpr struct {
  Hook hook;
  const char* function;
  uint32_t flags;
} kHooks[] = {{Hook::kNewTask, "wake_up_new_task", kWatchCalls},
              {Hook::kTaskEnd, "do_exit", kWatchCalls},
              {Hook::kSignalWork, "get_signal", kAwaitReturn},
              {Hook::kHandler, "signal_setup_done", kWatchCalls},
              {Hook::kNewProgram, "begin_new_exec", kAwaitNewProgram}};

bool is_wanted(const SyscallRow& row, Calls calls) {
  if (calls == Calls::kExec) return row.name == "execve" || row.name == "execveat";
  return row.attention != Attention::kNone;
}

// Of the call as it is in `abi`. nullopt: the place of the argument is not certain.
std::optional<CallTest> call_test(Abi abi, uint32_t nr, const ArgTest& test, bool negated) {
  const auto gpr = register_of(abi, test.arg);
  if (!gpr) return std::nullopt;
  const uint64_t mask = abi == Abi::kI386 ? uint32_t(test.mask) : test.mask;
  return CallTest{uint32_t(abi), nr, *gpr, negated, mask, test.value & mask};
}

// A tested argument whose place is not certain makes the call interesting.
void choose_call(Channel& channel, const SyscallRow& row, Abi abi, uint32_t nr) {
  std::vector<CallTest> tests;
  for (const auto& [test, negated] : {std::pair(row.only_if, false), {row.unless, true}}) {
    if (!test) continue;
    const auto translated = call_test(abi, nr, *test, negated);
    if (!translated) return channel.set_interesting(uint32_t(abi), nr);
    tests.push_back(*translated);
  }
  if (tests.empty()) return channel.set_interesting(uint32_t(abi), nr);
  for (const CallTest& test : tests) channel.set_interesting_if(test);
}

// Calls that merely ask: when they are over, all that they found is still there. Not if they write
// their answer to memory, where it may overwrite what they were asked.
bool is_answered_by_number(const SyscallRow& row) {
  constexpr std::string_view kNames[] = {"access", "faccessat", "faccessat2", "mmap", "mmap2"};
  return std::ranges::find(kNames, row.name) != std::end(kNames);
}

void tell_late(Channel& channel) {
  for (const SyscallRow& row : syscall_table())
    for (uint32_t abi = 0; abi < 3; ++abi) {
      if (row.nr[abi] < 0) continue;
      const auto nr = uint32_t(row.nr[abi]);
      if (is_answered_by_number(row)) channel.tell_late(abi, nr);
      if (!row.asks_if) continue;
      if (const auto test = call_test(Abi(abi), nr, *row.asks_if, false))
        channel.tell_late_if(*test);
    }
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

Result<void> set_up_channel(Channel& channel, const GuestKernel& kernel, Calls calls,
                            bool all_at_once) {
  const auto lacks = [&kernel](const std::string& what) {
    return fail(Errc::kUnsupported, "the guest's kernel " + kernel.release() +
                                        " does not tell where " + what +
                                        " is: it needs CONFIG_KALLSYMS");
  };
  const auto current = kernel.physical(kernel.current_location());
  if (!current) return lacks("the current task");
  for (const auto& [hook, function, flags] : kHooks) {
    const uint64_t address = kernel.symbol(function);
    if (address == 0) return lacks(function);
    channel.set_hook(uint32_t(hook), address, flags);
  }
  // arch/x86/kernel/process_64.c: called from assembly, so it is always a function of its own.
  constexpr const char* kSwitch = "__switch_to";
  const uint64_t switch_function = kernel.symbol(kSwitch);
  if (switch_function == 0) return lacks(kSwitch);
  channel.set_switch_function(switch_function);
  channel.set_current_paddr(*current);
  choose_calls(channel, calls);
  if (!all_at_once) tell_late(channel);
  return {};
}

}  // namespace fptrace::emu
