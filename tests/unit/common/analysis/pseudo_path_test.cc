#include "common/analysis/pseudo_path.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

TEST(PseudoPath, IsProcSysAndDevButNotSharedMemory) {
  EXPECT_TRUE(is_pseudo_path("/proc/self/maps"));
  EXPECT_TRUE(is_pseudo_path("/proc"));
  EXPECT_TRUE(is_pseudo_path("/sys/kernel/mm"));
  EXPECT_TRUE(is_pseudo_path("/dev/null"));
  EXPECT_FALSE(is_pseudo_path("/dev/shm/x"));
  EXPECT_FALSE(is_pseudo_path("/processes"));
  EXPECT_FALSE(is_pseudo_path("/w/proc/x"));
}

TEST(PseudoPath, LosesTheNumbersOfProcesses) {
  PseudoPaths p;
  p.add_traced(77);
  EXPECT_EQ(p.canonical("/proc/77/maps"), "/proc/self/maps");
  EXPECT_EQ(p.canonical("/proc/77"), "/proc/self");
  EXPECT_EQ(p.canonical("/proc/77/task/78/comm"), "/proc/self/task/[tid]/comm");
  EXPECT_EQ(p.canonical("/proc/self/task/78"), "/proc/self/task/[tid]");
  EXPECT_EQ(p.canonical("/proc/5/stat"), "/proc/[pid]/stat");
  EXPECT_EQ(p.canonical("/proc/1/cgroup"), "/proc/1/cgroup");
  EXPECT_EQ(p.canonical("/proc/self/fd/3"), "/proc/self/fd/3");
  EXPECT_EQ(p.canonical("/proc/meminfo"), "/proc/meminfo");
  EXPECT_EQ(p.canonical("/proc/77x/maps"), "/proc/77x/maps");
  EXPECT_EQ(p.canonical("/dev/pts/12"), "/dev/pts/[n]");
  EXPECT_EQ(p.canonical("/dev/pts/ptmx"), "/dev/pts/ptmx");
  EXPECT_EQ(p.canonical("/w/77"), "/w/77");
}

TEST(PseudoPath, KnowsAStrangersDirectory) {
  PseudoPaths p;
  p.add_traced(77);
  EXPECT_FALSE(p.of_stranger("/proc/77/stat"));
  EXPECT_FALSE(p.of_stranger("/proc/1/stat"));
  EXPECT_FALSE(p.of_stranger("/proc/self/stat"));
  EXPECT_TRUE(p.of_stranger("/proc/78/stat"));
}

TEST(PseudoPath, TakesNumbersOutOfRangeForNames) {
  PseudoPaths p;
  p.add_traced(-1);
  p.add_traced(1 << 30);
  EXPECT_FALSE(p.is_traced(-1));
  EXPECT_FALSE(p.is_traced(1 << 30));
  EXPECT_EQ(p.canonical("/proc/99999999999999999999/x"), "/proc/99999999999999999999/x");
}

}  // namespace
}  // namespace fptrace
