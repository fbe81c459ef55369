// The x87, by opcode and ModR/M: Intel's manual, volume 2, appendix A.5.
#include "backends/emu/taint/emitter.h"

namespace fptrace::emu::taint {
namespace {

constexpr Place kFswPlace = {flag_at(kFsw), 1};

Place st(unsigned index) { return {x87_at(index), 10}; }

// A register that is empty cannot be read.
void pop(Emitter& e) {
  e.clear(st(0));
  e.pop_x87();
}

void push(Emitter& e, Place from, bool is_copy) {
  e.push_x87();
  if (is_copy)
    e.copy(st(0), from);
  else
    e.mix(st(0), from);
}

void push_constant(Emitter& e) {
  e.push_x87();
  e.clear(st(0));
}

// Rounding up is a condition code, too.
void compute(Emitter& e, Place to, Place a, Place b) {
  const Place all = e.temp(1);
  e.mix(all, a);
  if (b != a) e.mix_into(all, b);
  e.mix(to, all);
  e.mix_into(kFswPlace, all);
}

void compare(Emitter& e, Place with) {
  const Place all = e.temp(1);
  e.mix(all, st(0));
  if (with) e.mix_into(all, with);
  e.flags(kSetFsw, all);
}

void compare_to_flags(Emitter& e, unsigned index) {
  const Place all = e.temp(1);
  e.mix(all, st(0));
  e.mix_into(all, st(index));
  e.flags(kSetZf | kSetPf | kSetCf, all);
  e.clear_flags(kSetOf | kSetSf | kSetAf);
}

void move_if(Emitter& e, unsigned reg) {
  static constexpr uint8_t kFlagsOf[4] = {kSetCf, kSetZf, kSetCf | kSetZf, kSetPf};
  const Place flags = e.pick_flags(kFlagsOf[reg & 3]);
  const unsigned index = e.x86().modrm & 7;
  e.join(st(0), st(0), st(index));
  e.spread(st(0), flags);
}

void exchange(Emitter& e, unsigned index) {
  const Place old = e.temp(10);
  e.copy(old, st(0));
  e.copy(st(0), st(index));
  e.copy(st(index), old);
}

void store(Emitter& e, unsigned size) {
  const Place out = e.temp(size);
  if (size == 10) {
    e.copy(out, st(0));
  } else {
    e.mix(out, st(0));
    e.mix_into(kFswPlace, st(0));
  }
  e.store(out);
}

Place load(Emitter& e, unsigned size) {
  const Place memory = e.temp(size);
  e.address(0);
  e.load(memory);
  return memory;
}

// --- The environment
// -----------------------------------------------------------------------------------

unsigned environment_size(const Emitter& e) { return e.x86().prefix[2] != 0 ? 14 : 28; }
unsigned status_offset(const Emitter& e) { return (e.x86().prefix[2] != 0 ? 2 : 4) + 1; }

void store_environment(Emitter& e) {
  e.set(Instruction::kAnyAccesses);
  e.clear_area();
  e.store(kFswPlace, status_offset(e));
}

void load_environment(Emitter& e) {
  e.set(Instruction::kAnyAccesses);
  e.address(0);
  e.load(kFswPlace, status_offset(e));
}

void reset(Emitter& e) {
  for (unsigned i = 0; i < kX87Count; ++i) e.clear(st(i));
  e.clear(kFswPlace);
}

void save(Emitter& e) {
  store_environment(e);
  for (unsigned i = 0; i < kX87Count; ++i) e.store(st(i), environment_size(e) + 10 * i);
  reset(e);
}

void restore(Emitter& e) {
  load_environment(e);
  for (unsigned i = 0; i < kX87Count; ++i) e.load(st(i), environment_size(e) + 10 * i);
}

// --- By opcode
// -----------------------------------------------------------------------------------------

// D8, DA, DC, DE: a sum, product or comparison of st(0) and memory.
void compute_with_memory(Emitter& e, unsigned opcode, unsigned reg) {
  const Place memory = load(e, opcode == 0xdc ? 8 : opcode == 0xde ? 2 : 4);
  if (reg != 2 && reg != 3) return compute(e, st(0), st(0), memory);
  compare(e, memory);
  if (reg == 3) pop(e);
}

bool decode_memory(Emitter& e, unsigned opcode, unsigned reg) {
  if ((opcode & 1) == 0) {
    compute_with_memory(e, opcode, reg);
    return true;
  }
  // Bytes of what 0 (load), 1 to 3 (store) move.
  static constexpr uint8_t kSizes[4] = {4, 4, 8, 2};  // D9, DB, DD, DF
  const unsigned size = kSizes[(opcode - 0xd9) / 2];
  switch (reg) {
    case 0:
      push(e, load(e, size), false);
      return true;
    case 1:
      if (opcode == 0xd9) return false;
      [[fallthrough]];
    case 3:
      store(e, size);
      pop(e);
      return true;
    case 2:
      store(e, size);
      return true;
    default:
      break;
  }
  switch (opcode << 4 | reg) {
    case 0xd94:
      load_environment(e);
      return true;
    case 0xd95:  // the control word has no labels
      return true;
    case 0xd96:
      store_environment(e);
      return true;
    case 0xd97:
      e.store_none(2);
      return true;
    case 0xdb5:
      push(e, load(e, 10), true);
      return true;
    case 0xdb7:
      store(e, 10);
      pop(e);
      return true;
    case 0xdd4:
      restore(e);
      return true;
    case 0xdd6:
      save(e);
      return true;
    case 0xdd7: {
      const Place word = e.temp(2);
      e.mix(word, kFswPlace);
      e.store(word);
      return true;
    }
    case 0xdf4:
      push(e, load(e, 10), false);
      return true;
    case 0xdf5:
      push(e, load(e, 8), false);
      return true;
    case 0xdf6: {
      const Place digits = e.temp(10);
      e.mix(digits, st(0));
      e.store(digits);
      pop(e);
      return true;
    }
    case 0xdf7:
      store(e, 8);
      pop(e);
      return true;
    default:
      return false;
  }
}

// D9 E0 to D9 FF.
bool decode_function(Emitter& e, unsigned modrm) {
  switch (modrm) {
    case 0xe0:  // change sign, absolute value: of one bit, in a byte that is labelled as it was
    case 0xe1:
      return true;
    case 0xe4:
    case 0xe5:
      compare(e, {});
      return true;
    case 0xe8:
    case 0xe9:
    case 0xea:
    case 0xeb:
    case 0xec:
    case 0xed:
    case 0xee:
      push_constant(e);
      return true;
    case 0xf1:  // y * log2(x), arctan(y / x), y * log2(x + 1)
    case 0xf3:
    case 0xf9:
      compute(e, st(1), st(0), st(1));
      pop(e);
      return true;
    case 0xf2:
      compute(e, st(0), st(0), st(0));
      push_constant(e);
      return true;
    case 0xf4:  // exponent and significand; sine and cosine
    case 0xfb:
      compute(e, st(0), st(0), st(0));
      push(e, st(1), true);
      return true;
    case 0xf5:  // remainders, scaling
    case 0xf8:
    case 0xfd:
      compute(e, st(0), st(0), st(1));
      return true;
    case 0xf6:
      e.push_x87();
      return true;
    case 0xf7:
      e.pop_x87();
      return true;
    case 0xf0:
    case 0xfa:
    case 0xfc:
    case 0xfe:
    case 0xff:
      compute(e, st(0), st(0), st(0));
      return true;
    default:
      return false;
  }
}

bool decode_registers(Emitter& e, unsigned opcode, unsigned reg, unsigned index) {
  const unsigned modrm = e.x86().modrm;
  // Exact opcodes first.
  switch (opcode << 8 | modrm) {
    case 0xd9d0:  // no operation
    case 0xdbe0:  // what the 8087 and the 287 had, and clear exceptions
    case 0xdbe1:
    case 0xdbe2:
    case 0xdbe4:
      return true;
    case 0xdbe3:
      reset(e);
      return true;
    case 0xdae9:
    case 0xded9:
      compare(e, st(1));
      pop(e);
      pop(e);
      return true;
    case 0xdfe0:
      e.mix(gpr(0, 2), kFswPlace);
      return true;
    default:
      break;
  }
  const bool compares = reg == 2 || reg == 3;
  switch (opcode) {
    case 0xd8:
      if (!compares) {
        compute(e, st(0), st(0), st(index));
        return true;
      }
      compare(e, st(index));
      if (reg == 3) pop(e);
      return true;
    case 0xd9:
      if (reg == 0) {
        const Place value = e.temp(10);
        e.copy(value, st(index));
        push(e, value, true);
        return true;
      }
      if (reg == 1) {
        exchange(e, index);
        return true;
      }
      return reg >= 4 && decode_function(e, modrm);
    case 0xda:
      if (reg > 3) return false;
      move_if(e, reg);
      return true;
    case 0xdb:
      if (reg <= 3)
        move_if(e, reg);
      else if (reg == 5 || reg == 6)
        compare_to_flags(e, index);
      else
        return false;
      return true;
    case 0xdc:
    case 0xde:
      if (compares) return false;
      compute(e, st(index), st(0), st(index));
      if (opcode == 0xde) pop(e);
      return true;
    case 0xdd:
      if (reg == 0) return true;  // free
      if (reg == 2 || reg == 3) {
        e.copy(st(index), st(0));
        if (reg == 3) pop(e);
        return true;
      }
      if (reg != 4 && reg != 5) return false;
      compare(e, st(index));
      if (reg == 5) pop(e);
      return true;
    case 0xdf:
      if (reg == 0) {
        pop(e);
        return true;
      }
      if (reg != 5 && reg != 6) return false;
      compare_to_flags(e, index);
      pop(e);
      return true;
    default:
      return false;
  }
}

}  // namespace

bool decode_x87(Emitter& e) {
  const unsigned opcode = e.x86().opcode[0], modrm = e.x86().modrm;
  if (opcode < 0xd8 || opcode > 0xdf) return false;
  const unsigned reg = modrm >> 3 & 7;
  return modrm < 0xc0 ? decode_memory(e, opcode, reg) : decode_registers(e, opcode, reg, modrm & 7);
}

}  // namespace fptrace::emu::taint
