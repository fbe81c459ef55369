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

  // Where the bytes of a mask's bit are, and how many.
  static constexpr uint16_t place_of(unsigned bit) {
    if (bit < kVectorBit) return gpr_at(bit);
    if (bit < kX87Bit) return vector_at(bit - kVectorBit);
    if (bit < kFlagBit) return x87_at(bit - kX87Bit);
    if (bit < kHighBit) return flag_at(bit - kFlagBit);
    return uint16_t(vector_at(bit - kHighBit) + kVectorBytes / 2);
  }
  static constexpr uint16_t size_of(unsigned bit) {
    if (bit < kVectorBit) return kGprBytes;
    return bit >= kFlagBit && bit < kHighBit ? 1 : 16;
  }

  // Takes the labels of whole registers.
  void clear(RegisterMask registers) {
    const RegisterMask gone = registers & labelled;
    if (gone == 0) return;
    clear_flags(uint32_t((gone & kFlagMask) >> kFlagBit));
    for (RegisterMask left = gone & ~kFlagMask; left != 0; left &= left - 1) {
      const auto bit = unsigned(__builtin_ctzll(left));
      std::memset(at(place_of(bit)), 0, size_of(bit) * sizeof(LabelId));
    }
    labelled &= ~registers;
  }

  // Brings `labelled` up to date after bytes of these registers were written.
  void refresh(RegisterMask registers) {
    RegisterMask found = 0;
    if ((registers & kFlagMask) != 0)
      for (unsigned i = 0; i < kFlagCount; ++i)
        found |= RegisterMask{bytes[flag_at(i)] != kNoLabel} << (kFlagBit + i);
    for (RegisterMask left = registers & ~kFlagMask; left != 0; left &= left - 1) {
      const auto bit = unsigned(__builtin_ctzll(left));
      found |= RegisterMask{any_labelled(bit)} << bit;
    }
    labelled = (labelled & ~registers) | (found & registers);
  }

  // Whether a byte of the register of this bit has a label, whatever `labelled` says.
  bool any_labelled(unsigned bit) const {
    const LabelId* const bytes_of = at(place_of(bit));
    if (bit < kVectorBit) return any<kGprBytes>(bytes_of);
    return size_of(bit) == 1 ? *bytes_of != kNoLabel : any<16>(bytes_of);
  }

  // Calls visit(label) for each byte that has one.
  template <class Visit>
  void for_each_label(Visit visit) const {
    for (uint16_t place = 0; place < kTemps; ++place)
      if (bytes[place] != kNoLabel) visit(bytes[place]);
  }

 private:
  // They go in almost every block, and together: half of them at a time.
  void clear_flags(uint32_t set) {
    using Half [[gnu::vector_size(16)]] = LabelId;
    static_assert(kFlagCount * sizeof(LabelId) == 2 * sizeof(Half));
    struct Kept {
      Half of[16] = {};
      constexpr Kept() {
        for (unsigned gone = 0; gone < 16; ++gone)
          of[gone] = Half{gone & 1, gone & 2, gone & 4, gone & 8} == 0;
      }
    };
    static constexpr Kept kKept;
    Half low, high;
    std::memcpy(&low, at(kFlags), sizeof low);
    std::memcpy(&high, at(kFlags) + 4, sizeof high);
    low &= kKept.of[set & 15];
    high &= kKept.of[set >> 4];
    std::memcpy(at(kFlags), &low, sizeof low);
    std::memcpy(at(kFlags) + 4, &high, sizeof high);
  }
  template <uint16_t kSize>
  static bool any(const LabelId* labels) {
    LabelId all = kNoLabel;
    for (uint16_t i = 0; i < kSize; ++i) all |= labels[i];
    return all != kNoLabel;
  }
};

}  // namespace fptrace::emu::taint
