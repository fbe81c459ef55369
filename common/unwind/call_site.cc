#include "common/unwind/call_site.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>

#include "common/unwind/expression.h"

namespace fptrace::unwind {
namespace {

constexpr size_t kLongestCall = 6;
constexpr size_t kLongestStub = 16;

uint64_t signed_word(std::span<const uint8_t> at) {
  int32_t value = 0;
  std::memcpy(&value, at.data(), sizeof value);
  return uint64_t(int64_t{value});
}

// Instruction encodings: Intel SDM, "Instruction Format". FF /2 is a call and FF /4 a jump through
// memory, whose address the ModRM byte says how to find.
class Decoder {
 public:
  Decoder(TaskView& task, const Module& module, bool is_i386)
      : task_(task), module_(module), is_i386_(is_i386) {}

  // Of the call that ends at `pc`.
  std::optional<uint64_t> slot_of_call(std::span<const uint8_t, kLongestCall> code, uint64_t pc) {
    if (code[0] != 0xff || (code[1] & 0x38) != 0x10) return std::nullopt;
    return memory_operand(code[1], code.subspan(2), pc);
  }

  // Of the PLT entry at `entry`: a jump through its slot, behind what branch tracking and mold's
  // lazy binding put first.
  std::optional<uint64_t> slot_of_stub(uint64_t entry) {
    std::array<uint8_t, kLongestStub> bytes{};
    const size_t size = task_.read_memory(entry, bytes.data(), bytes.size());
    std::span<const uint8_t> code(bytes.data(), size);
    const auto skip = [&](std::initializer_list<uint8_t> prefix, size_t length) {
      if (code.size() >= length && std::equal(prefix.begin(), prefix.end(), code.begin()))
        code = code.subspan(length);
    };
    skip({0xf3, 0x0f, 0x1e}, 4);  // endbr64, endbr32
    skip({0x41, 0xbb}, 6);        // mov $n, %r11d
    skip({0xf2}, 1);              // bnd
    if (code.size() < 6 || code[0] != 0xff || (code[1] & 0x38) != 0x20) return std::nullopt;
    const uint64_t behind = entry + uint64_t(code.data() - bytes.data()) + 6;
    return memory_operand(code[1], code.subspan(2), behind);
  }

 private:
  // In the object's own addresses; nullopt when it depends on a register, except the one that
  // 32-bit code keeps the address of its GOT in.
  std::optional<uint64_t> memory_operand(uint8_t modrm, std::span<const uint8_t> displacement,
                                         uint64_t next) const {
    const uint64_t value = signed_word(displacement);
    const bool no_register = (modrm & 0xc7) == 0x05;
    if (no_register && !is_i386_) return module_.to_own(next + value);
    if (no_register) return module_.to_own(uint32_t(value));
    const bool based = (modrm & 0xc0) == 0x80 && (modrm & 7) != 4;
    if (is_i386_ && based) return uint32_t(module_.object->plt_got() + value);
    return std::nullopt;
  }

  TaskView& task_;
  const Module& module_;
  bool is_i386_;
};

}  // namespace

CallSite call_before(TaskView& task, const Module& module, uint64_t pc, bool is_i386) {
  std::array<uint8_t, kLongestCall> code{};
  if (!module.object || task.read_memory(pc - code.size(), code.data(), code.size()) != code.size())
    return {};
  Decoder decoder(task, module, is_i386);
  const auto through = [&](std::optional<uint64_t> address) -> std::optional<CallSite> {
    const Object::Slot* slot = address ? module.object->slot(*address) : nullptr;
    if (slot == nullptr) return std::nullopt;
    const auto target = read_word(task, module.to_task(*address), is_i386);
    return CallSite{CallSite::Kind::kSlot, slot->opens, target.value_or(0)};
  };
  if (const auto site = through(decoder.slot_of_call(code, pc))) return *site;
  constexpr uint8_t kCall = 0xe8;
  if (code[1] != kCall) return {};
  uint64_t target = pc + signed_word(std::span(code).subspan(2));
  if (is_i386) target = uint32_t(target);
  if (const auto site = through(decoder.slot_of_stub(target))) return *site;
  return {CallSite::Kind::kDirect, false, target};
}

}  // namespace fptrace::unwind
