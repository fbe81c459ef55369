#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <iterator>

#include "backends/emu/plugin/coverage.h"
#include "backends/emu/plugin/find.h"
#include "backends/emu/plugin/guest_ram.h"
#include "backends/emu/plugin/instruction.h"
#include "backends/emu/plugin/instruction_count.h"
#include "backends/emu/plugin/plugin_channel.h"
#include "backends/emu/plugin/qemu_plugin_api.h"
#include "backends/emu/plugin/registers.h"
#include "backends/emu/plugin/taint.h"

// The part of fptrace that lives inside QEMU: it stops the guest at the moments the host asked for
// and lets the host look (see channel/wire.h). It knows no kernel structure but where the current
// task is named. All callbacks come on the only vCPU's thread.

namespace fptrace::emu {
namespace {

constexpr uint64_t kCodeOfI386 = 0x23, kCodeOf64Bit = 0x33;  // __USER32_CS, __USER_CS

// Of page 0's half: a program's addresses. Everything above is the kernel's (or vsyscall's page,
// whose calls the kernel serves without a system call).
bool is_user_address(uint64_t vaddr) { return vaddr >> 63 == 0; }

struct Plugin {
  Wire* wire = nullptr;
  GuestRam ram;
  RegisterFile registers;
  InstructionCount count;
  TaskLives lives;
  Coverage coverage;
  Find find;
  StopRecord late{};  // a call's entry that is told late; kNone: none is
  bool ready = false;
};
Plugin g;

// 0: not known.
uint64_t current_task() {
  const uint64_t at = g.wire->current_paddr;
  return at != 0 && g.ram.is_open() ? g.ram.read_u64(at) : 0;
}

uint32_t flags_of(uint64_t task) { return task != 0 ? task_flags(*g.wire, task) : 0; }

void tell_late_entry() {
  if (g.late.kind == StopKind::kNone) return;
  g.wire->stop = g.late;
  g.late.kind = StopKind::kNone;
  yield_turn(*g.wire);
}

StopRecord& begin_stop(StopKind kind, uint32_t detail, uint64_t task) {
  tell_late_entry();
  if (g.wire->want_taint) finish_taint();  // it may report, and that may be a stop of its own
  StopRecord& stop = g.wire->stop;
  stop.kind = kind;
  stop.detail = detail;
  stop.count = g.count.now();
  stop.task = task;
  return stop;
}

void on_ready(unsigned, void*) {
  if (g.ready) return;
  g.ready = true;
  (void)g.ram.open(*g.wire);
  g.registers.read(begin_stop(StopKind::kReady, 0, 0).cpu);
  yield_turn(*g.wire);
}

enum class Told { kNot, kAtOnce, kLate };
Told when_to_tell(EntryKind kind, uint64_t cs, uint64_t rax) {
  constexpr uint64_t kX32Bit = 0x40000000;
  const bool i386 = kind != EntryKind::kSyscall || cs == kCodeOfI386;
  uint64_t nr = i386 ? uint32_t(rax) : rax;
  const uint32_t abi = i386 ? 1 : (nr & kX32Bit) ? 2 : 0;
  if (abi == 2) nr &= ~kX32Bit;
  const auto value = [](Gpr gpr) { return g.registers.read_gpr(gpr); };
  if (!is_interesting(*g.wire, abi, nr, value)) return Told::kNot;
  return is_told_late(*g.wire, abi, nr, value) ? Told::kLate : Told::kAtOnce;
}

void on_entry(EntryKind kind, uint64_t vaddr) {
  const uint64_t task = current_task();
  if ((flags_of(task) & kWatchCalls) == 0) return;
  const uint64_t cs = g.registers.read_cs();
  const Told told = when_to_tell(kind, cs, g.registers.read_gpr(kRax));
  if (told == Told::kNot) return;
  StopRecord& stop = begin_stop(StopKind::kSyscall, uint32_t(kind), task);
  g.registers.read(stop.cpu);
  stop.cpu.rip = g.registers.pc(vaddr);
  if (told == Told::kAtOnce) return yield_turn(*g.wire);
  g.late = stop;
  announce_stop(*g.wire);
}
void on_syscall(unsigned, void* vaddr) { on_entry(EntryKind::kSyscall, uint64_t(vaddr)); }
void on_int80(unsigned, void* vaddr) { on_entry(EntryKind::kInt80, uint64_t(vaddr)); }
void on_sysenter(unsigned, void* vaddr) { on_entry(EntryKind::kSysenter, uint64_t(vaddr)); }

void on_cpuid(unsigned, void* vaddr) {
  if (uint32_t(g.registers.read_gpr(kRax)) != kMarkerLeaf) return;
  StopRecord& stop = begin_stop(StopKind::kMarker, 0, current_task());
  g.registers.read(stop.cpu);
  stop.cpu.rip = g.registers.pc(uint64_t(vaddr));
  yield_turn(*g.wire);
}

// What the host waits for; it knows when it has heard of the call.
uint32_t flags_after_call(uint64_t task) {
  if (g.late.task == task) tell_late_entry();
  return flags_of(task);
}

// A task is about to go on in user mode. True: the host waits for that.
bool is_awaited(uint64_t task) { return (flags_after_call(task) & kAwaitReturn) != 0; }

void on_sysret(unsigned, void* code_segment) {
  const uint64_t task = current_task();
  if (!is_awaited(task)) return;
  StopRecord& stop = begin_stop(StopKind::kReturn, 0, task);
  CpuState& cpu = stop.cpu;
  g.registers.read(cpu);
  cpu.rip = cpu.gpr[kRcx];
  cpu.rflags = cpu.gpr[kR11];
  cpu.cs = uint64_t(code_segment);
  yield_turn(*g.wire);
}

void on_sysexit(unsigned, void*) {
  const uint64_t task = current_task();
  if (!is_awaited(task)) return;
  StopRecord& stop = begin_stop(StopKind::kReturn, 0, task);
  CpuState& cpu = stop.cpu;
  g.registers.read(cpu);
  cpu.rip = cpu.gpr[kRdx];
  cpu.gpr[kRsp] = cpu.gpr[kRcx];
  cpu.cs = kCodeOfI386;
  yield_turn(*g.wire);
}

// To user mode or back into the kernel: what lies on the stack tells.
void on_iret(unsigned, void*) {
  // Every interrupt and page fault comes by here: first what costs least.
  const uint64_t task = current_task();
  if (!is_awaited(task)) return;
  struct {
    uint64_t rip, cs, rflags, rsp, ss;
  } frame;
  const uint64_t rsp = g.registers.read_gpr(kRsp);
  if (!g.registers.read_memory(rsp, &frame, sizeof frame) || (frame.cs & 3) == 0) return;
  StopRecord& stop = begin_stop(StopKind::kReturn, 0, task);
  CpuState& cpu = stop.cpu;
  g.registers.read(cpu);
  cpu.rip = frame.rip;
  cpu.rflags = frame.rflags;
  cpu.gpr[kRsp] = frame.rsp;
  cpu.cs = frame.cs;
  cpu.ss = frame.ss;
  yield_turn(*g.wire);
}

void on_hook(unsigned, void* index) {
  const uint64_t task = current_task();
  const auto hook = uint32_t(uint64_t(index));
  if ((flags_after_call(task) & g.wire->hook_flags[hook]) == 0) return;
  StopRecord& stop = begin_stop(StopKind::kHook, hook, task);
  g.registers.read(stop.cpu);
  stop.cpu.rip = g.wire->hooks[hook];
  yield_turn(*g.wire);
}

bool owns_page(uint64_t page) {
  uint64_t owner = 0;
  if (!g.registers.read_memory(page + g.wire->page_owner_offset, &owner, sizeof owner))
    return false;
  for (uint32_t i = 0; i < g.wire->page_owners_count && i < kMostPageOwners; ++i)
    if (g.wire->page_owners[i] == owner) return true;
  return false;
}

// Often, and seldom for a file that matters: that is looked at here.
void on_page(unsigned, void* index) {
  if (g.wire->page_owners_count == 0 || !owns_page(g.registers.read_gpr(kRdi))) return;
  StopRecord& stop = begin_stop(StopKind::kPage, uint32_t(uint64_t(index)), current_task());
  g.registers.read(stop.cpu);
  stop.cpu.rip = g.wire->page_hooks[uint64_t(index)];
  yield_turn(*g.wire);
}

void on_switch(unsigned, void*) {
  tell_late_entry();  // not of what other tasks do from now on
  if (!g.wire->want_switches) return;
  StopRecord& stop = begin_stop(StopKind::kSwitch, 0, g.registers.read_gpr(kRsi));
  g.registers.read(stop.cpu);
  yield_turn(*g.wire);
}

void on_moment(unsigned, void* vaddr) {
  StopRecord& stop = begin_stop(StopKind::kMoment, 0, current_task());
  g.registers.read(stop.cpu);
  stop.cpu.rip = g.registers.pc(uint64_t(vaddr));
  yield_turn(*g.wire);
}

bool handle_request(Wire&, Request& request) {
  g.coverage.look_again();
  switch (RequestKind(request.kind)) {
    case RequestKind::kMoment:
      g.count.stop_at(request.args[0]);
      return true;
    case RequestKind::kNewLife:
      g.lives.renew(request.args[0]);
      return true;
    default:
      return g.coverage.handle(request) || g.find.handle(request);
  }
}

bool is_hooked(uint64_t vaddr) {
  const Wire& wire = *g.wire;
  return std::find(wire.hooks, std::end(wire.hooks), vaddr) != std::end(wire.hooks) ||
         std::find(wire.page_hooks, std::end(wire.page_hooks), vaddr) !=
             std::end(wire.page_hooks) ||
         wire.switch_function == vaddr;
}

// A whole instruction as it was translated.
struct Code {
  explicit Code(const qemu_plugin_insn* instruction)
      : vaddr(qemu_plugin_insn_vaddr(instruction)),
        size(qemu_plugin_insn_data(instruction, bytes, sizeof bytes)) {}

  static constexpr size_t kLongest = 15;
  uint8_t bytes[kLongest];
  uint64_t vaddr;
  size_t size;
};

// It ends a run of those that are counted at once (see InstructionCount).
bool ends_run(const Code& code) {
  if (g.wire->want_moment || is_hooked(code.vaddr)) return true;
  const bool has_callback_of_access = g.wire->want_taint || g.wire->want_find != 0;
  switch (what_follows(code.bytes, code.size)) {
    case Follows::kAlways:
      return false;
    case Follows::kInKernel:
      return has_callback_of_access || is_user_address(code.vaddr);
    case Follows::kPerhaps:
      return true;
  }
  return true;
}

void count_instructions(qemu_plugin_tb* block, size_t count) {
  for (size_t first = 0, i = 0; i < count; ++i) {
    if (i + 1 < count && !ends_run(Code(qemu_plugin_tb_get_insn(block, i)))) continue;
    g.count.instrument(qemu_plugin_tb_get_insn(block, first), i + 1 - first);
    first = i + 1;
  }
}

void instrument_user(qemu_plugin_insn* instruction, InstructionKind kind, uint64_t vaddr) {
  qemu_plugin_vcpu_udata_cb_t callback = nullptr;
  if (kind == InstructionKind::kSyscall) callback = on_syscall;
  if (kind == InstructionKind::kInt80) callback = on_int80;
  if (kind == InstructionKind::kSysenter) callback = on_sysenter;
  if (kind == InstructionKind::kCpuid) callback = on_cpuid;
  if (!callback) return;
  void* const address = reinterpret_cast<void*>(vaddr);
  qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, QEMU_PLUGIN_CB_R_REGS, address);
}

void instrument_hooks(qemu_plugin_insn* instruction, uint64_t vaddr) {
  const auto call = [&](uint64_t function, qemu_plugin_vcpu_udata_cb_t callback, uint64_t detail) {
    if (function == vaddr)
      qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, QEMU_PLUGIN_CB_R_REGS,
                                             reinterpret_cast<void*>(detail));
  };
  for (uint64_t i = 0; i < kMostHooks; ++i) call(g.wire->hooks[i], on_hook, i);
  for (uint64_t i = 0; i < kPageHooks; ++i) call(g.wire->page_hooks[i], on_page, i);
  call(g.wire->switch_function, on_switch, 0);
}

void instrument_kernel(qemu_plugin_insn* instruction, InstructionKind kind, uint64_t vaddr) {
  if (is_hooked(vaddr)) instrument_hooks(instruction, vaddr);
  qemu_plugin_vcpu_udata_cb_t callback = nullptr;
  if (kind == InstructionKind::kSysretl || kind == InstructionKind::kSysretq) callback = on_sysret;
  if (kind == InstructionKind::kSysexit) callback = on_sysexit;
  if (kind == InstructionKind::kIret) callback = on_iret;
  if (!callback) return;
  const uint64_t code = kind == InstructionKind::kSysretq ? kCodeOf64Bit : kCodeOfI386;
  qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, QEMU_PLUGIN_CB_R_REGS,
                                         reinterpret_cast<void*>(code));
}

CodeBlock& begin_taint(qemu_plugin_tb* block) {
  const uint64_t vaddr = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, 0));
  // Code of 32 bits is at addresses of 32 bits, though other code is there, too.
  const bool is_64bit = vaddr >> 32 != 0 || g.registers.read_cs() != kCodeOfI386;
  return taint_block(block, is_user_address(vaddr), is_64bit);
}

void on_translation(qemu_plugin_id_t, qemu_plugin_tb* block) {
  if (!g.ready)
    qemu_plugin_register_vcpu_tb_exec_cb(block, on_ready, QEMU_PLUGIN_CB_R_REGS, nullptr);
  CodeBlock* const labels = g.wire->want_taint ? &begin_taint(block) : nullptr;
  const size_t count = qemu_plugin_tb_n_insns(block);
  if (count > 0 && is_user_address(qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(block, 0))))
    g.coverage.instrument(block);
  count_instructions(block, count);
  for (size_t i = 0; i < count; ++i) {
    qemu_plugin_insn* const instruction = qemu_plugin_tb_get_insn(block, i);
    const Code code(instruction);
    g.find.instrument(instruction, code.vaddr);
    const InstructionKind kind = classify(code.bytes, code.size);
    if (labels) taint_instruction(instruction, *labels, uint32_t(i), kind);
    if (is_user_address(code.vaddr))
      instrument_user(instruction, kind, code.vaddr);
    else
      instrument_kernel(instruction, kind, code.vaddr);
  }
}

void on_vcpu(qemu_plugin_id_t, unsigned) {
  if (g.registers.find()) {
    // Not before: the counter's place moves when the processor is made.
    if (g.wire->want_taint)
      start_taint({g.wire, &g.ram, g.count.counter(), g.count.base(), current_task,
                   [](uint64_t translated) { return g.registers.pc(translated); }});
    return;
  }
  give_up(
      "fptrace plugin: this QEMU does not show the registers that are needed; use QEMU 10.0 or "
      "newer\n");
}

void on_exit(qemu_plugin_id_t, void*) {
  if (!g.ready) return;  // it failed before the guest ran: nobody waits for us
  begin_stop(StopKind::kEnd, 0, 0);
  yield_turn(*g.wire);
}

int refuse(const char* why) {
  ::fprintf(stderr, "fptrace plugin: %s\n", why);
  return 1;
}

}  // namespace
}  // namespace fptrace::emu

#define FPTRACE_EXPORT extern "C" __attribute__((visibility("default")))

FPTRACE_EXPORT int qemu_plugin_version;
int qemu_plugin_version = kQemuPluginVersion;

FPTRACE_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc,
                                       char** argv);
int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t* info, int argc, char** argv) {
  using namespace fptrace::emu;
  constexpr char kArgument[] = "channel=";
  if (!info->system_emulation || strcmp(info->target_name, "x86_64") != 0)
    return refuse("it is for whole x86_64 machines");
  if (info->system.smp_vcpus != 1) return refuse("it is for machines with one processor");
  const char* path = nullptr;
  for (int i = 0; i < argc; ++i)
    if (strncmp(argv[i], kArgument, sizeof kArgument - 1) == 0)
      path = argv[i] + sizeof kArgument - 1;
  if (!path) return refuse("it needs channel=FILE");
  if (const char* problem = connect_channel(path, &g.wire)) return refuse(problem);
  g.count.set_up(*g.wire, on_moment);
  const auto count = [] { return g.count.now(); };
  g.coverage.set_up(*g.wire, g.lives, g.registers, current_task, count);
  g.find.set_up(*g.wire, g.lives, g.ram, g.registers, current_task, count);
  add_request_handler(handle_request);
  qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
  qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
  qemu_plugin_register_atexit_cb(id, on_exit, nullptr);
  return 0;
}
