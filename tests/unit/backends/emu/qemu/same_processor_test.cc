#include "backends/emu/qemu/same_processor.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

namespace fptrace::emu {
namespace {

using namespace std::chrono_literals;

constexpr SharingPolicy::Interval kAlone{.passed = 50ms};

TEST(SharingPolicy, SharesOnceAPlaceWasFound) {
  SharingPolicy policy;
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(policy.should_share({.passed = 50ms, .waited = 10ms, .beside = 5ms}));
}

void expect_apart_for_a_second(const SharingPolicy::Interval& reason) {
  SharingPolicy policy;
  EXPECT_TRUE(policy.should_share(kAlone));
  EXPECT_FALSE(policy.should_share(reason));
  int apart = 1;
  while (!policy.should_share(kAlone)) ++apart;
  EXPECT_EQ(apart, 20);
  EXPECT_TRUE(policy.should_share(kAlone));
  EXPECT_FALSE(policy.should_share(reason));
}

TEST(SharingPolicy, LetsGoWhileSomebodyElseWantsTheProcessor) {
  expect_apart_for_a_second({.passed = 50ms, .waited = 25ms});
}

TEST(SharingPolicy, LetsGoWhileOthersWorkAlong) {
  expect_apart_for_a_second({.passed = 50ms, .beside = 15ms});
}

int processors_of(pid_t thread) {
  cpu_set_t set;
  return ::sched_getaffinity(thread, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}

[[noreturn]] void run_all_the_time() {
  for (;;) {}
}

class Child {
 public:
  explicit Child(void (*run)() = run_all_the_time) : pid_(::fork()) {
    if (pid_ == 0) run();
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  // 0: there is none.
  pid_t second_thread() const {
    for (const auto& task :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task"))
      if (const int thread = std::stoi(task.path().filename()); thread != pid_) return thread;
    return 0;
  }

 private:
  const pid_t pid_;
};

bool happens(const std::function<bool()>& what) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!what()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

class SameProcessorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cpu_set_t set;
    ASSERT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    all_ = CPU_COUNT(&set);
    if (all_ < 2) GTEST_SKIP() << "there is one processor";
    if (::access("/proc/self/schedstat", R_OK) != 0)
      GTEST_SKIP() << "the kernel does not tell how long threads wait";
  }
  int all_ = 0;
};

TEST_F(SameProcessorTest, LooksWhetherWakingIsDear) {
  EXPECT_GT(cost_of_waking(), 100ns);  // a system call at least
  EXPECT_LT(cost_of_waking(), 1s);
}

TEST_F(SameProcessorTest, KeepsThreadsThere) {
  const Child busy;
  const SameProcessor same(busy.pid(), true);
  EXPECT_TRUE(happens([&] { return processors_of(busy.pid()) == 1; }));
}

TEST_F(SameProcessorTest, LetsThemGoWhenAnotherWantsTheProcessor) {
  const Child busy, other;
  const SameProcessor same(busy.pid(), true);
  ASSERT_TRUE(happens([&] { return processors_of(busy.pid()) == 1; }));
  cpu_set_t set;
  ASSERT_EQ(::sched_getaffinity(busy.pid(), sizeof set, &set), 0);
  ASSERT_EQ(::sched_setaffinity(other.pid(), sizeof set, &set), 0);
  EXPECT_TRUE(happens([&] { return processors_of(busy.pid()) == all_; }));
}

// It begins where the one that made it is kept.
[[noreturn]] void run_with_own_thread(void (*run)()) {
  while (processors_of(0) != 1) {}
  std::thread([run] {
    ::prctl(PR_SET_NAME, "fptrace-own");
    run();
  }).detach();
  run_all_the_time();
}

TEST_F(SameProcessorTest, LetsOwnThreadsGoWhereTheyLike) {
  const Child child([] {
    run_with_own_thread([] {
      for (;;) ::pause();
    });
  });
  const SameProcessor same(child.pid(), true);
  ASSERT_TRUE(happens([&] { return child.second_thread() != 0; }));
  EXPECT_TRUE(happens([&] { return processors_of(child.second_thread()) == all_; }));
  EXPECT_TRUE(happens([&] { return processors_of(child.pid()) == 1; }));
}

TEST_F(SameProcessorTest, LetsAllGoWhileOwnThreadsWork) {
  const Child child([] { run_with_own_thread([] { run_all_the_time(); }); });
  const SameProcessor same(child.pid(), true);
  ASSERT_TRUE(happens([&] { return child.second_thread() != 0; }));
  EXPECT_TRUE(happens([&] { return processors_of(child.pid()) == all_; }));
}

TEST_F(SameProcessorTest, TakesAThreadAlongAndLetsItGo) {
  const Child busy;
  {
    SameProcessor same(busy.pid(), true);
    same.take_along(::gettid());
    EXPECT_TRUE(
        happens([&] { return processors_of(::gettid()) == 1 && processors_of(busy.pid()) == 1; }));
  }
  EXPECT_EQ(processors_of(::gettid()), all_);
}

}  // namespace
}  // namespace fptrace::emu
