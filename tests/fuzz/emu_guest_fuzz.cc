// fuzz-deps: fptrace::emu_image
#include "backends/emu/guest/frame_reader.h"
#include "backends/emu/guest/job.h"
#include "backends/emu/image/image.h"
#include "backends/emu/image/kernel.h"
#include "backends/emu/image/kernel_modules.h"

// What comes out of a guest, and what describes one.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  fptrace::emu::FrameReader reader;
  reader.add(text);
  for (;;) {
    const auto frame = reader.next();
    if (!frame || !*frame) break;
    (void)(*frame)->number();
  }
  if (const auto job = fptrace::emu::decode_job(text);
      job && fptrace::emu::decode_job(encode_job(*job)) != job)
    __builtin_trap();
  (void)fptrace::emu::parse_image(text);
  (void)fptrace::emu::parse_qemu_version(text);
  (void)fptrace::emu::module_dependencies(text);
  (void)fptrace::emu::package_behind(text);
  return 0;
}
