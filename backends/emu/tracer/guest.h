#pragma once
#include <cstdint>
#include <optional>

#include "backends/emu/channel/wire.h"
#include "backends/emu/osi/guest_kernel.h"
#include "backends/emu/osi/guest_tasks.h"
#include "backends/emu/osi/guest_view.h"
#include "common/syscall/decoder.h"
#include "common/task/task_view.h"

namespace fptrace::emu {

// struct pt_regs: what a task had in its registers when it entered the kernel.
struct SavedRegisters {
  uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
  uint64_t orig_rax;  // number of the system call; all ones: it came for another reason
  uint64_t rip, cs, rflags, rsp, ss;
};

// All that introspection offers about one stopped guest.
class Guest {
 public:
  // `root`: the directory that the trace's paths count from. The kernel must outlive it.
  Guest(const GuestKernel& kernel, Place root)
      : kernel_(kernel), tasks_(kernel), view_(kernel, root) {}
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  const GuestKernel& kernel() const { return kernel_; }
  const GuestTasks& tasks() const { return tasks_; }
  const GuestNames& names() const { return view_.names(); }
  GuestView& view() { return view_; }

  uint64_t mm(uint64_t task) const { return kernel_.pointer(task, kernel_.layout().task.mm); }
  // What lies on top of the task's kernel stack.
  std::optional<SavedRegisters> saved_registers(uint64_t task) const;

 private:
  const GuestKernel& kernel_;
  GuestTasks tasks_;
  GuestView view_;
};

// By the registers at the call's entry. i386 calls come by several ways, which pass arguments
// differently: `entry` is an EntryKind, `task` for those that are on its stack.
SyscallCall call_of(const CpuState& cpu, EntryKind entry, TaskView& task);
// The register that has argument `arg` (0..5) then, whichever way the call comes; nullopt: that
// depends on the way.
std::optional<Gpr> register_of(Abi abi, uint8_t arg);
// Of a task that is in the kernel because of a call.
SyscallCall call_of(const SavedRegisters& saved);
Registers registers_of(const CpuState& cpu);

}  // namespace fptrace::emu
