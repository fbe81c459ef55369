// What the kernel executes besides, and what moves no labels at all.
#include "backends/emu/taint/emitter.h"

namespace fptrace::emu::taint {
namespace {

constexpr unsigned kRax = 0, kRbx = 1, kRcx = 2, kRdx = 3, kRsp = 7, kR11 = 11;

void read_port(Emitter& e) {
  const Place to = place_of(e.operand(0).reg);
  e.clear(to);
  e.extend(to);
}

// The frame: rip, cs, flags, and, unless to the same level of 32-bit code, rsp and ss.
void return_from_interrupt(Emitter& e) {
  const unsigned size = e.insn().id == X86_INS_IRETQ ? 8 : e.insn().id == X86_INS_IRETD ? 4 : 2;
  e.set(Instruction::kAnyAccesses);
  const Place to = e.temp(size), image = e.temp(2);
  e.address(gpr(kRsp));
  e.load(to);
  e.jump(to);
  e.load(image, 2 * size);
  e.flags(kSetCf | kSetPf | kSetAf | kSetZf | kSetSf, image.byte(0));
  e.flags(kSetOf, image.byte(1));
  if (size == 8) e.load(gpr(kRsp), 3 * size);
}

void return_far(Emitter& e) {
  e.set(Instruction::kAnyAccesses);
  const Place to = e.temp(e.insn().id == X86_INS_RETFQ ? 8 : 4);
  e.address(gpr(kRsp));
  e.load(to);
  e.jump(to);
}

void jump_far(Emitter& e) {
  e.set(Instruction::kAnyAccesses);
  if (e.is_mem(0)) e.jump(e.read(0, 8));
  if (e.insn().id == X86_INS_LCALL) e.clear_area();
}

void segment_limit(Emitter& e) {
  const Place to = place_of(e.operand(0).reg), from = e.read(1, 2), all = e.temp(1);
  e.mix(all, from);
  e.flags(kSetZf, all);
  e.mix_into(to, all);  // or it stays as it was
  e.extend(to);
}

// A segment's register from the end of what is loaded; the rest is an offset.
void load_far_pointer(Emitter& e) {
  const Place to = place_of(e.operand(0).reg);
  e.set(Instruction::kAnyAccesses);
  e.address(1);
  e.load(to);
  e.extend(to);
}

}  // namespace

bool decode_system(Emitter& e) {
  switch (e.insn().id) {
    // No labelled register or memory changes.
    case X86_INS_NOP:
    case X86_INS_PAUSE:
    case X86_INS_ENDBR32:
    case X86_INS_ENDBR64:
    case X86_INS_FNOP:
    case X86_INS_WAIT:
    case X86_INS_PREFETCH:
    case X86_INS_PREFETCHNTA:
    case X86_INS_PREFETCHT0:
    case X86_INS_PREFETCHT1:
    case X86_INS_PREFETCHT2:
    case X86_INS_PREFETCHW:
    case X86_INS_CLFLUSH:
    case X86_INS_CLFLUSHOPT:
    case X86_INS_CLWB:
    case X86_INS_PCOMMIT:
    case X86_INS_LFENCE:
    case X86_INS_MFENCE:
    case X86_INS_SFENCE:
    case X86_INS_CLD:
    case X86_INS_STD:
    case X86_INS_CLI:
    case X86_INS_STI:
    case X86_INS_CLAC:
    case X86_INS_STAC:
    case X86_INS_CLTS:
    case X86_INS_CLGI:
    case X86_INS_STGI:
    case X86_INS_HLT:
    case X86_INS_MONITOR:
    case X86_INS_MWAIT:
    case X86_INS_INVD:
    case X86_INS_WBINVD:
    case X86_INS_INVLPG:
    case X86_INS_INVLPGA:
    case X86_INS_INVPCID:
    case X86_INS_INVEPT:
    case X86_INS_INVVPID:
    case X86_INS_LGDT:
    case X86_INS_LIDT:
    case X86_INS_LLDT:
    case X86_INS_LTR:
    case X86_INS_LMSW:
    case X86_INS_SWAPGS:
    case X86_INS_WRMSR:
    case X86_INS_WRFSBASE:
    case X86_INS_WRGSBASE:
    case X86_INS_XSETBV:
    case X86_INS_OUT:
    case X86_INS_LDMXCSR:
    case X86_INS_VLDMXCSR:
    case X86_INS_INT:
    case X86_INS_INT1:
    case X86_INS_INT3:
    case X86_INS_INTO:
    case X86_INS_BOUND:
    case X86_INS_UD0:
    case X86_INS_UD2:
    case X86_INS_UD2B:
    case X86_INS_SYSENTER:
    case X86_INS_DATA16:
    case X86_INS_VMCALL:
    case X86_INS_VMMCALL:
      break;

    case X86_INS_IN:
      read_port(e);
      break;
    case X86_INS_CPUID:
      for (const unsigned i : {kRax, kRbx, kRcx, kRdx}) e.clear(gpr(i));
      break;
    case X86_INS_RDTSCP:
      e.clear(gpr(kRcx));
      [[fallthrough]];
    case X86_INS_RDTSC:
    case X86_INS_RDMSR:
    case X86_INS_RDPMC:
    case X86_INS_XGETBV:
      e.clear(gpr(kRax));
      e.clear(gpr(kRdx));
      break;
    case X86_INS_RDRAND:
    case X86_INS_RDSEED:
      e.clear_flags(kAllFlags);
      e.put_none(0);
      break;
    case X86_INS_RDFSBASE:
    case X86_INS_RDGSBASE:
      e.put_none(0);
      break;
    case X86_INS_STR:
    case X86_INS_SLDT:
    case X86_INS_SMSW:
      if (e.is_mem(0))
        e.store_none(2);
      else
        e.put_none(0);
      break;
    case X86_INS_SGDT:
    case X86_INS_SIDT:
    case X86_INS_STMXCSR:
    case X86_INS_VSTMXCSR:
      e.set(Instruction::kAnyAccesses);
      e.clear_area();
      break;
    case X86_INS_VERR:
    case X86_INS_VERW:
      e.flags(kSetZf, e.read_labelled(0, 2));
      break;
    case X86_INS_LAR:
    case X86_INS_LSL:
      segment_limit(e);
      break;
    case X86_INS_LDS:
    case X86_INS_LES:
    case X86_INS_LFS:
    case X86_INS_LGS:
    case X86_INS_LSS:
      load_far_pointer(e);
      break;
    case X86_INS_SYSCALL:
      // They get rip and the flags.
      e.clear(gpr(kRcx));
      e.clear(gpr(kR11));
      break;
    case X86_INS_SYSRET:
      e.jump(gpr(kRcx));
      e.clear_flags(kAllFlags);
      break;
    case X86_INS_SYSEXIT:
      e.jump(gpr(kRdx));
      e.put(gpr(kRsp), gpr(kRcx));
      break;
    case X86_INS_IRET:
    case X86_INS_IRETD:
    case X86_INS_IRETQ:
      return_from_interrupt(e);
      break;
    case X86_INS_RETF:
    case X86_INS_RETFQ:
      return_far(e);
      break;
    case X86_INS_LJMP:
    case X86_INS_LCALL:
      jump_far(e);
      break;
    default:
      return false;
  }
  return true;
}

}  // namespace fptrace::emu::taint
