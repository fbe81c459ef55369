// fuzz-deps: fptrace::emu_osi
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "backends/emu/osi/kernel_layout.h"
#include "backends/emu/osi/vmcoreinfo.h"

// What a guest's kernel says about itself: BTF, and the text for crash dumps.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fptrace::emu;
  const auto types = BtfTypes::parse(std::as_bytes(std::span(data, size)));
  if (types) {
    (void)KernelLayout::from(*types);
    (void)types->member("task_struct", "mm.pgd.none");
    (void)types->size_of("task_struct");
  }
  (void)parse_vmcoreinfo(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
