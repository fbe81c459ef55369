#include "backends/emu/tracer/call_stack.h"

#include "backends/emu/tracer/stopped_task.h"
#include "common/unwind/frame_walker.h"

namespace fptrace::emu {

std::vector<StackFrame> CallStacks::stack(Guest& guest, const TaskInfo& info, const CpuState& cpu,
                                          size_t most) {
  StoppedTask task(guest.view(), info);
  task.show_registers(&cpu);
  std::vector<StackFrame> out;
  // Read each time: between two looks the program may have mapped anything.
  auto space = unwind::AddressSpace::read(task);
  if (!space) return out;
  unwind::FrameWalker walker(task, *space, cache_, registers_of(cpu));
  do {
    const auto& frame = walker.frame();
    StackFrame one{frame.pc(), {}, 0};
    if (frame.module != nullptr) {
      one.object = frame.module->path;
      one.offset =
          frame.module->object ? frame.module->to_own(frame.pc()) : frame.pc() - frame.module->base;
    }
    out.push_back(std::move(one));
  } while (out.size() < most && walker.next());
  return out;
}

CpuState user_state(const SavedRegisters& s) {
  CpuState cpu{};
  const std::pair<Gpr, uint64_t> all[] = {
      {kRax, s.rax}, {kRbx, s.rbx}, {kRcx, s.rcx}, {kRdx, s.rdx}, {kRsi, s.rsi}, {kRdi, s.rdi},
      {kRbp, s.rbp}, {kRsp, s.rsp}, {kR8, s.r8},   {kR9, s.r9},   {kR10, s.r10}, {kR11, s.r11},
      {kR12, s.r12}, {kR13, s.r13}, {kR14, s.r14}, {kR15, s.r15}};
  for (const auto& [index, value] : all) cpu.gpr[index] = value;
  cpu.rip = s.rip;
  cpu.cs = s.cs;
  cpu.ss = s.ss;
  cpu.rflags = s.rflags;
  return cpu;
}

}  // namespace fptrace::emu
