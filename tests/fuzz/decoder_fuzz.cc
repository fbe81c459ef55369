// fuzz-deps: fptrace::syscall fptrace::fakes
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "common/syscall/decoder.h"
#include "common/syscall/table.h"
#include "tests/support/fake_task.h"

// A traced program's registers and memory are its own: any call with any arguments, pointing into
// memory with any content, of which any part may be unreadable.

namespace {

using fptrace::testing::FakeFileSystem;
using fptrace::testing::FakeTask;

// Takes the input apart; short input reads as zeros.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  template <class T>
  T take() {
    T value{};
    const size_t n = std::min(sizeof value, size_);
    if (n > 0) std::memcpy(&value, data_, n);
    data_ += n;
    size_ -= n;
    return value;
  }
  std::string rest() const { return {reinterpret_cast<const char*>(data_), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  const uint8_t* data_;
  size_t size_;
};

FakeFileSystem make_files(const std::string& content) {
  FakeFileSystem fs;
  fs.file("/f", content, 0755);
  fs.file("/d/f", content, 0755);
  fs.symlink("/d/l", "../f");
  fs.symlink("/d/loop", "loop");
  fs.symlink("/l", content.substr(0, content.find('\0')));
  fs.symlink("/proc/self", "1");
  fs.magic("/proc/100/fd/3", fs.ref("/f"));
  fs.magic("/proc/100/cwd", fs.ref("/d"));
  fs.special("/p", S_IFIFO);
  return fs;
}

// Small numbers become pointers to the memory, so that the fuzzer finds it.
uint64_t argument(Input& in, uint64_t memory) {
  const auto kind = in.take<uint8_t>();
  if (kind < 128) return memory + kind;
  if (kind < 160) return uint64_t(int64_t{-100});  // AT_FDCWD
  if (kind < 200) return kind - 160u;              // descriptors, flags
  return in.take<uint64_t>();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static fptrace::Decoder decoder;
  Input in(data, size);
  struct Step {
    fptrace::SyscallCall call;
    int64_t result = 0;
  };
  Step steps[4];
  constexpr uint64_t kMemory = 0x10000;  // where FakeTask::put begins
  for (Step& step : steps) {
    const auto rows = fptrace::syscall_table();
    step.call.abi = fptrace::Abi(in.take<uint8_t>() % 3);
    const auto& row = rows[in.take<uint16_t>() % rows.size()];
    step.call.nr = row.nr[size_t(step.call.abi)] < 0 ? in.take<uint16_t>()
                                                     : uint64_t(row.nr[size_t(step.call.abi)]);
    for (auto& arg : step.call.args) arg = argument(in, kMemory);
    step.result = in.take<int16_t>();
    if (step.result == 999) step.result = fptrace::kSucceeded;
  }
  const std::string memory = in.rest();
  FakeFileSystem fs = make_files(memory);
  FakeTask task(fs);
  task.put(memory);
  task.open(3, fs.ref("/f"), 2);
  task.open(4, fs.ref("/d"));
  task.program = fs.ref("/f");
  for (const Step& step : steps) {
    std::vector<fptrace::EventBody> out;
    (void)fptrace::clone_flags(task, step.call);
    const auto pending = decoder.enter(task, step.call);
    if (!pending) continue;
    (void)pending->predicted();
    decoder.leave(task, *pending, step.result, out);
  }
  return 0;
}
