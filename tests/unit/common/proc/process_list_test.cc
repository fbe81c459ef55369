#include "common/proc/process_list.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace fptrace {
namespace {

namespace fs = std::filesystem;

const ProcessRow* find(const std::vector<ProcessRow>& rows, pid_t pid) {
  const auto it = std::ranges::find(rows, pid, &ProcessRow::pid);
  return it == rows.end() ? nullptr : &*it;
}

TEST(HostProcesses, ShowsThisOneAsItIs) {
  const auto rows = list_host_processes(true);
  ASSERT_TRUE(rows) << rows.error().what;
  EXPECT_TRUE(std::ranges::is_sorted(*rows, {}, &ProcessRow::pid));
  const ProcessRow* self = find(*rows, ::getpid());
  ASSERT_NE(self, nullptr);
  EXPECT_EQ(self->parent, ::getppid());
  EXPECT_EQ(self->uid, ::geteuid());
  EXPECT_EQ(self->state, 'R');
  EXPECT_EQ(self->exe, fs::read_symlink("/proc/self/exe"));
  EXPECT_EQ(self->cwd, fs::current_path());
  ASSERT_FALSE(self->argv.empty());
  EXPECT_GT(self->start_ns, 0u);
  ASSERT_EQ(self->thread_rows.size(), self->threads);
  EXPECT_EQ(self->thread_rows[0].tid, ::getpid());
}

TEST(HostProcesses, AProcessThatHasEndedIsShownUntilItIsWaitedFor) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, id_t(child), &info, WEXITED | WNOWAIT), 0);
  const auto rows = list_host_processes(false);
  ASSERT_TRUE(rows);
  const ProcessRow* zombie = find(*rows, child);
  ASSERT_NE(zombie, nullptr);
  EXPECT_EQ(zombie->state, 'Z');
  EXPECT_TRUE(zombie->ended);
  EXPECT_TRUE(zombie->argv.empty());
  EXPECT_TRUE(zombie->thread_rows.empty());
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(find(*list_host_processes(false), child), nullptr);
}

TEST(HostProcesses, WhatIsNoProcessIsLeftOut) {
  std::string pattern = ::testing::TempDir() + "fptrace-proc-XXXXXX";
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  for (const char* name : {"7", "8x", "self", "9"}) fs::create_directory(fs::path(pattern) / name);
  const auto put = [&](const char* name, const char* text) {
    std::ofstream(fs::path(pattern) / name) << text;
  };
  put("7/stat",
      "7 (seven) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 0");
  put("7/status",
      "Name:\tseven\nTgid:\t7\nPid:\t7\nPPid:\t1\nUid:\t1\t2\t3\t4\nGid:\t0\t0\t0\t0\n");
  put("7/cmdline", "seven");
  put("9/stat", "9 (nine");  // it ends just now
  const auto rows = list_host_processes(false, pattern);
  ASSERT_TRUE(rows) << rows.error().what;
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ((*rows)[0].comm, "seven");
  EXPECT_EQ((*rows)[0].uid, 2u);
  EXPECT_EQ((*rows)[0].argv, std::vector<std::string>{"seven"});
  fs::remove_all(pattern);
  EXPECT_FALSE(list_host_processes(false, pattern + "/none"));
}

}  // namespace
}  // namespace fptrace
