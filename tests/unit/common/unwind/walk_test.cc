// Walks this very process, so the frames are those of real code and real frame information.
#include <fcntl.h>
#include <search.h>
#include <ucontext.h>
#include <unistd.h>

#include <iterator>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "common/base/unique_fd.h"
#include "common/proc/maps.h"
#include "common/unwind/frame_walker.h"
#include "tests/support/fake_task.h"

namespace fptrace::unwind {
namespace {

class ThisProcess : public fptrace::testing::FakeTask {
 public:
  explicit ThisProcess(fptrace::testing::FakeFileSystem& fs) : FakeTask(fs) {
    const auto maps = read_maps(::getpid());
    if (!maps) return;
    for (const Mapping& m : *maps)
      regions.push_back({m.begin, m.end, m.offset, 0, m.inode, m.perms[2] == 'x', m.name});
  }
  size_t read_memory(uint64_t addr, void* out, size_t size) override {
    const ssize_t n = ::pread(memory_.get(), out, size, off_t(addr));
    return n < 0 ? 0 : size_t(n);
  }

 private:
  UniqueFd memory_{::open("/proc/self/mem", O_RDONLY | O_CLOEXEC)};
};

struct Walk {
  std::vector<std::string> modules;  // file names, innermost first, without repetition
  int frames = 0;
  bool guessed = false;
};
Walk found;

void walk_from_here() {
  ucontext_t here{};
  ASSERT_EQ(::getcontext(&here), 0);
  const auto& g = here.uc_mcontext.gregs;
  Registers now;
  now.value[3] = uint64_t(g[REG_RBX]);
  now.value[6] = uint64_t(g[REG_RBP]);
  now.value[7] = uint64_t(g[REG_RSP]);
  for (size_t i = 12; i <= 15; ++i) now.value[i] = uint64_t(g[REG_R12 + int(i) - 12]);
  now.value[16] = uint64_t(g[REG_RIP]);
  fptrace::testing::FakeFileSystem fs;
  ThisProcess task(fs);
  auto space = AddressSpace::read(task);
  ASSERT_TRUE(space);
  ObjectCache cache;
  FrameWalker walker(task, *space, cache, now);
  found = {};
  do {
    const Module* module = walker.frame().module;
    const std::string path = module ? module->path : "none";
    const std::string name = path.substr(path.rfind('/') + 1);
    if (found.modules.empty() || found.modules.back() != name) found.modules.push_back(name);
    ++found.frames;
    found.guessed |= walker.frame().guessed;
  } while (walker.next());
}

extern "C" int compare_and_walk(const void*, const void*) {
  if (found.frames == 0) walk_from_here();
  return 0;
}

TEST(FrameWalker, ThroughTheCLibraryAndBackToTheStart) {
  found = {};
  const int values[] = {3, 1, 2}, key = 1;
  size_t count = std::size(values);
  // Not qsort, in whose place a sanitizer puts its own.
  EXPECT_NE(::lfind(&key, values, &count, sizeof values[0], compare_and_walk), nullptr);
  const std::vector<std::string> path = {"unwind_test", "libc.so.6", "unwind_test", "libc.so.6",
                                         "unwind_test"};
  EXPECT_EQ(found.modules, path) << "compare, lfind, the test and main, __libc_start_main, _start";
  EXPECT_FALSE(found.guessed);
  EXPECT_GT(found.frames, 8);
}

int deep(int n) {
  if (n == 0) {
    walk_from_here();
    return 0;
  }
  return deep(n - 1) + 1;
}

TEST(FrameWalker, StopsAtItsLimit) {
  volatile int frames = 0;
  struct Recurse {
    static int down(int n) {
      volatile int left = n;
      const int r = left == 0 ? deep(0) : down(left - 1);
      return r + left;
    }
  };
  frames = Recurse::down(1000);
  EXPECT_EQ(found.frames, FrameWalker::kMostFrames);
  EXPECT_NE(frames, 0);
}

}  // namespace
}  // namespace fptrace::unwind
