#include "backends/emu/plugin/registers.h"

#include <string.h>

namespace fptrace::emu {
namespace {

constexpr size_t kRip = 16 + 8;

// In the order of Gpr, then of CpuState from `cs` on, then what it has stale.
constexpr const char* kNames[] = {"rax", "rbx", "rcx",  "rdx", "rsi",     "rdi",     "rbp",
                                  "rsp", "r8",  "r9",   "r10", "r11",     "r12",     "r13",
                                  "r14", "r15", "cs",   "ss",  "fs_base", "gs_base", "k_gs_base",
                                  "cr3", "cr4", "efer", "rip"};

}  // namespace

bool RegisterFile::find() {
  static_assert(sizeof kNames / sizeof *kNames == kCount);
  if (!buffer_) buffer_ = g_byte_array_new();
  GArray* all = qemu_plugin_get_registers();
  if (!all) return false;
  const auto* descriptors = reinterpret_cast<const qemu_plugin_reg_descriptor*>(all->data);
  for (unsigned i = 0; i < all->len; ++i) {
    for (size_t n = 0; n < kCount; ++n)
      if (strcmp(descriptors[i].name, kNames[n]) == 0) handles_[n] = descriptors[i].handle;
  }
  g_array_free(all, 1);
  for (const auto* handle : handles_)
    if (!handle) return false;
  return true;
}

uint64_t RegisterFile::value(qemu_plugin_register* handle) {
  g_byte_array_set_size(buffer_, 0);
  qemu_plugin_read_register(handle, buffer_);
  uint64_t value = 0;
  memcpy(&value, buffer_->data, buffer_->len < sizeof value ? buffer_->len : sizeof value);
  return value;
}

void RegisterFile::read(CpuState& cpu) {
  for (size_t i = 0; i < 16; ++i) cpu.gpr[i] = value(handles_[i]);
  cpu.rip = cpu.rflags = 0;
  uint64_t* const rest[] = {&cpu.cs,        &cpu.ss,  &cpu.fs_base, &cpu.gs_base,
                            &cpu.k_gs_base, &cpu.cr3, &cpu.cr4,     &cpu.efer};
  for (size_t i = 0; i < sizeof rest / sizeof *rest; ++i) *rest[i] = value(handles_[16 + i]);
}

uint64_t RegisterFile::pc(uint64_t translated) {
  constexpr uint64_t kInPage = 4096 - 1;
  if (translated >> 63 != 0) return translated;  // the kernel's is the same in all processes
  return (value(handles_[kRip]) & ~kInPage) | (translated & kInPage);
}

bool RegisterFile::read_memory(uint64_t addr, void* out, size_t size) {
  g_byte_array_set_size(buffer_, 0);
  if (!qemu_plugin_read_memory_vaddr(addr, buffer_, size) || buffer_->len < size) return false;
  memcpy(out, buffer_->data, size);
  return true;
}

}  // namespace fptrace::emu
