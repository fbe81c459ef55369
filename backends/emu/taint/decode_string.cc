// String instructions, and what moves whole processor states.
#include "backends/emu/taint/emitter.h"

namespace fptrace::emu::taint {
namespace {

constexpr unsigned kRcx = 2, kRsi = 4, kRdi = 5;

struct StringForm {
  StringKind kind;
  unsigned element;
};

bool find_form(const Emitter& e, StringForm& form) {
  const auto is = [&form](StringKind kind, unsigned element) {
    form = {kind, element};
    return true;
  };
  switch (e.insn().id) {
    case X86_INS_MOVSB:
      return is(kMovs, 1);
    case X86_INS_MOVSW:
      return is(kMovs, 2);
    case X86_INS_MOVSD:  // also SSE's
      return e.x86().opcode[0] == 0xa5 && is(kMovs, 4);
    case X86_INS_MOVSQ:
      return is(kMovs, 8);
    case X86_INS_STOSB:
      return is(kStos, 1);
    case X86_INS_STOSW:
      return is(kStos, 2);
    case X86_INS_STOSD:
      return is(kStos, 4);
    case X86_INS_STOSQ:
      return is(kStos, 8);
    case X86_INS_LODSB:
      return is(kLods, 1);
    case X86_INS_LODSW:
      return is(kLods, 2);
    case X86_INS_LODSD:
      return is(kLods, 4);
    case X86_INS_LODSQ:
      return is(kLods, 8);
    case X86_INS_SCASB:
      return is(kScas, 1);
    case X86_INS_SCASW:
      return is(kScas, 2);
    case X86_INS_SCASD:
      return is(kScas, 4);
    case X86_INS_SCASQ:
      return is(kScas, 8);
    case X86_INS_CMPSB:
      return is(kCmps, 1);
    case X86_INS_CMPSW:
      return is(kCmps, 2);
    case X86_INS_CMPSD:  // also SSE's
      return e.x86().opcode[0] == 0xa7 && is(kCmps, 4);
    case X86_INS_CMPSQ:
      return is(kCmps, 8);
    case X86_INS_INSB:
    case X86_INS_INSW:
    case X86_INS_INSD:
      return is(kIns, 1);
    case X86_INS_OUTSB:
    case X86_INS_OUTSW:
    case X86_INS_OUTSD:
      return is(kOuts, 1);
    default:
      return false;
  }
}

// --- FXSAVE and XSAVE
// ----------------------------------------------------------------------------------

// Offsets in the area: Intel's manual, volume 1, 10.5 and 13.4.
constexpr unsigned kStatusWord = 2, kX87Area = 32, kVectorArea = 160, kHighArea = 576;

template <class Move>
void for_each_piece(const Emitter& e, bool has_high, Move move) {
  for (unsigned i = 0; i < kX87Count; ++i) move(Place{x87_at(i), 10}, kX87Area + 16 * i, 0u);
  const unsigned vectors = e.is_64bit() ? kVectorCount : 8;
  for (unsigned i = 0; i < vectors; ++i) move(Place{vector_at(i), 16}, kVectorArea + 16 * i, 1u);
  for (unsigned i = 0; has_high && i < vectors; ++i)
    move(Place{uint16_t(vector_at(i) + 16), 16}, kHighArea + 16 * i, 2u);
}

void save_state(Emitter& e, bool is_xsave) {
  e.set(Instruction::kAnyAccesses);
  if (is_xsave) e.set(Instruction::kIsXsave);
  e.clear_area();
  for_each_piece(e, is_xsave,
                 [&](Place from, unsigned offset, unsigned) { e.store(from, offset); });
  e.store({flag_at(kFsw), 1}, kStatusWord + 1);
}

void restore_state(Emitter& e, bool is_xsave) {
  e.set(Instruction::kAnyAccesses);
  if (is_xsave) e.set(Instruction::kIsXsave);
  e.address(0);
  for_each_piece(e, is_xsave, [&](Place to, unsigned offset, unsigned component) {
    e.restore(to, offset, component);
  });
  e.restore({flag_at(kFsw), 1}, kStatusWord + 1, 0);
}

}  // namespace

bool decode_string(Emitter& e) {
  switch (e.insn().id) {
    case X86_INS_FXSAVE:
    case X86_INS_FXSAVE64:
      save_state(e, false);
      return true;
    case X86_INS_XSAVE:
    case X86_INS_XSAVE64:
    case X86_INS_XSAVEOPT:
    case X86_INS_XSAVEOPT64:
    case X86_INS_XSAVEC:
    case X86_INS_XSAVEC64:
    case X86_INS_XSAVES:
    case X86_INS_XSAVES64:
      save_state(e, true);
      return true;
    case X86_INS_FXRSTOR:
    case X86_INS_FXRSTOR64:
      restore_state(e, false);
      return true;
    case X86_INS_XRSTOR:
    case X86_INS_XRSTOR64:
    case X86_INS_XRSTORS:
    case X86_INS_XRSTORS64:
      restore_state(e, true);
      return true;
    default:
      break;
  }
  StringForm form;
  if (!find_form(e, form)) return false;
  const bool repeated =
      e.x86().prefix[0] == X86_PREFIX_REP || e.x86().prefix[0] == X86_PREFIX_REPNE;
  const bool uses_rsi =
      form.kind == kMovs || form.kind == kLods || form.kind == kCmps || form.kind == kOuts;
  const bool uses_rdi = form.kind != kLods && form.kind != kOuts;
  const unsigned size = e.x86().addr_size;
  e.set(Instruction::kIsString);
  e.set(Instruction::kAnyAccesses);
  if (form.kind == kCmps)
    e.address(gpr(kRsi, size), gpr(kRdi, size));
  else if (uses_rsi || form.kind == kScas)
    e.address(gpr(uses_rsi ? kRsi : kRdi, size));
  e.string(form.kind, form.element, repeated);
  // The pointers go on by a constant, and that as often as rcx says.
  const auto advance = [&](unsigned index) {
    const Place pointer = gpr(index, size);
    e.carry(pointer, pointer, pointer, size);
    if (repeated) e.mix_into(pointer, gpr(kRcx, size));
    e.extend(pointer);
  };
  if (uses_rsi) advance(kRsi);
  if (uses_rdi) advance(kRdi);
  if (!repeated) return true;
  const Place count = gpr(kRcx, size);
  e.carry(count, count, count, size);
  e.extend(count);
  return true;
}

}  // namespace fptrace::emu::taint
