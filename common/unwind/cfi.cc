#include "common/unwind/cfi.h"

#include <elfutils/libdw.h>
#include <libelf.h>

#include <cstdlib>

#include "common/unwind/expression.h"

namespace fptrace::unwind {
namespace {

struct FreeFrame {
  void operator()(Dwarf_Frame* frame) const { std::free(frame); }
};
using Frame = std::unique_ptr<Dwarf_Frame, FreeFrame>;

std::optional<uint64_t> frame_address(Dwarf_Frame* frame, const Surroundings& around) {
  Dwarf_Op* ops = nullptr;
  size_t count = 0;
  if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count == 0) return std::nullopt;
  const auto cfa = evaluate({ops, count}, around);
  if (!cfa) return std::nullopt;
  return cfa->value;
}

// The caller's value of a register; nullopt when the frame has lost it.
std::optional<uint64_t> caller_value(Dwarf_Frame* frame, size_t index, const Surroundings& around) {
  Dwarf_Op memory[3];
  Dwarf_Op* ops = nullptr;
  size_t count = 0;
  if (dwarf_frame_register(frame, int(index), memory, &ops, &count) != 0) return std::nullopt;
  if (count == 0 && ops == nullptr) return around.registers.value[index];
  if (count == 0) return std::nullopt;
  const auto found = evaluate({ops, count}, around);
  if (!found) return std::nullopt;
  if (!found->is_address) return found->value;
  return read_word(around.task, found->value, around.registers.is_i386);
}

}  // namespace

struct Cfi::Handles {
  std::string image;
  Elf* elf = nullptr;
  Dwarf_CFI* cfi = nullptr;

  ~Handles() {
    if (cfi != nullptr) dwarf_cfi_end(cfi);
    if (elf != nullptr) elf_end(elf);
  }
};

Cfi::Cfi(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {}
Cfi::~Cfi() = default;

std::unique_ptr<Cfi> Cfi::create(std::string image) {
  if (elf_version(EV_CURRENT) == EV_NONE) return nullptr;
  auto handles = std::make_unique<Handles>();
  handles->image = std::move(image);
  handles->elf = elf_memory(handles->image.data(), handles->image.size());
  if (handles->elf == nullptr) return nullptr;
  handles->cfi = dwarf_getcfi_elf(handles->elf);
  if (handles->cfi == nullptr) return nullptr;
  return std::unique_ptr<Cfi>(new Cfi(std::move(handles)));
}

bool Cfi::covers(uint64_t pc) const {
  Dwarf_Frame* raw = nullptr;
  const bool found = dwarf_cfi_addrframe(handles_->cfi, pc, &raw) == 0;
  const Frame frame(raw);
  return found;
}

std::optional<CallerFrame> Cfi::step(TaskView& task, const Registers& registers,
                                     uint64_t pc) const {
  Dwarf_Frame* raw = nullptr;
  if (dwarf_cfi_addrframe(handles_->cfi, pc, &raw) != 0) return std::nullopt;
  const Frame frame(raw);
  CallerFrame caller;
  caller.registers.is_i386 = registers.is_i386;
  const int return_register = dwarf_frame_info(raw, nullptr, nullptr, &caller.signal);
  if (return_register < 0 || size_t(return_register) >= registers.count()) return std::nullopt;

  const auto cfa = frame_address(raw, {task, registers, std::nullopt});
  if (!cfa) return std::nullopt;
  const Surroundings around{task, registers, cfa};
  const auto pc_of_caller = caller_value(raw, size_t(return_register), around);
  if (!pc_of_caller) return std::nullopt;
  // Registers that a call may change are lost; what their last value was no longer matters.
  for (size_t i = 0; i < registers.count(); ++i)
    caller.registers.value[i] = caller_value(raw, i, around).value_or(0);
  // The stack pointer has no rule of its own, except behind a signal: it is where the frame ends.
  if (!caller.signal) caller.registers.value[registers.sp_index()] = *cfa;
  caller.registers.value[registers.pc_index()] = *pc_of_caller;
  return caller;
}

}  // namespace fptrace::unwind
