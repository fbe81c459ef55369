// fuzz-deps: fptrace::unwind fptrace::fakes
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "common/unwind/opener.h"
#include "tests/support/fake_task.h"

// One byte of options, the registers, then an object's memory, which is also the stack: whatever a
// program leaves there, the walk ends and names the object or nobody.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fptrace;
  constexpr uint64_t kBase = 0x10000000;
  Registers cpu;
  if (size < 1 + sizeof cpu.value) return 0;
  cpu.is_i386 = data[0] & 1;
  const bool as_vdso = data[0] & 2;
  std::memcpy(cpu.value.data(), data + 1, sizeof cpu.value);
  const std::string_view memory(reinterpret_cast<const char*>(data) + 1 + sizeof cpu.value,
                                size - 1 - sizeof cpu.value);
  if (memory.empty()) return 0;

  testing::FakeFileSystem fs;
  testing::FakeTask task(fs);
  task.put_at(kBase, memory);
  // In the object as a rule, or nothing would be looked at.
  const auto into = [&](uint64_t& value) { value = kBase + value % memory.size(); };
  into(cpu.value[cpu.pc_index()]);
  into(cpu.value[cpu.sp_index()]);
  if (data[0] & 4) into(cpu.value[cpu.frame_pointer_index()]);
  task.cpu = cpu;
  const std::string path = as_vdso ? "[vdso]" : "/lib/object";
  task.regions = {{kBase, kBase + memory.size(), 0, 1, 2, true, path}};
  const std::string opener = unwind::OpenerFinder().opener(task);
  if (opener != path) std::abort();
  return 0;
}
