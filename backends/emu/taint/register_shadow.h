#pragma once
#include <cstdint>
#include <cstring>

#include "backends/emu/taint/label_sets.h"
#include "backends/emu/taint/ops.h"

namespace fptrace::emu::taint {

// The labels of a virtual processor's registers. One thread.
struct alignas(64) RegisterShadow {
  // See ops.h for the places. Temporaries hold no meaning between instructions.
  LabelId bytes[kShadowBytes] = {};
  // Which registers have a label: exactly those, whenever no instruction is being executed.
  RegisterMask labelled = 0;

  LabelId* at(uint16_t place) { return bytes + place; }
  const LabelId* at(uint16_t place) const { return bytes + place; }

  // Takes the labels of whole registers.
  void clear(RegisterMask registers) {
    for (RegisterMask left = registers & labelled; left != 0; left &= left - 1) {
      const auto bit = unsigned(__builtin_ctzll(left));
      if (bit < kVectorBit)
        std::memset(at(gpr_at(bit)), 0, kGprBytes * sizeof(LabelId));
      else if (bit < kX87Bit)
        std::memset(at(vector_at(bit - kVectorBit)), 0, kVectorBytes * sizeof(LabelId));
      else if (bit < kFlagBit)
        std::memset(at(x87_at(bit - kX87Bit)), 0, kX87Bytes * sizeof(LabelId));
      else
        bytes[flag_at(bit - kFlagBit)] = kNoLabel;
    }
    labelled &= ~registers;
  }

  // Brings `labelled` up to date after bytes of these registers were written.
  void refresh(RegisterMask registers) {
    for (RegisterMask left = registers; left != 0; left &= left - 1) {
      const auto bit = unsigned(__builtin_ctzll(left));
      const RegisterMask mask = RegisterMask{1} << bit;
      if (any_labelled(bit))
        labelled |= mask;
      else
        labelled &= ~mask;
    }
  }

  // Whether a byte of the register of this bit has a label, whatever `labelled` says.
  bool any_labelled(unsigned bit) const {
    if (bit < kVectorBit) return any<kGprBytes>(gpr_at(bit));
    if (bit < kX87Bit) return any<kVectorBytes>(vector_at(bit - kVectorBit));
    if (bit < kFlagBit) return any<kX87Bytes>(x87_at(bit - kX87Bit));
    return bytes[flag_at(bit - kFlagBit)] != kNoLabel;
  }

  // Calls visit(label) for each byte that has one.
  template <class Visit>
  void for_each_label(Visit visit) const {
    for (uint16_t place = 0; place < kTemps; ++place)
      if (bytes[place] != kNoLabel) visit(bytes[place]);
  }

 private:
  template <uint16_t kSize>
  bool any(uint16_t place) const {
    LabelId all = kNoLabel;
    for (uint16_t i = 0; i < kSize; ++i) all |= bytes[place + i];
    return all != kNoLabel;
  }
};

}  // namespace fptrace::emu::taint
