#include "backends/emu/osi/guest_task.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "backends/emu/osi/process_table.h"
#include "tests/unit/backends/emu/osi/scene.h"

namespace fptrace::emu {
namespace {

using ::testing::ElementsAre;
using testing::FakeGuest;

GuestTask task_of(Scene& s, uint64_t task) {
  return GuestTask(s.view(), *GuestTasks(s.kernel()).info(task));
}

// Of process 1 that runs /mnt/deep/data with one page of stack at 0x7000.
void run_data(Scene& s) {
  const uint64_t program = s.guest.file(s.disk_mount, s.data);
  s.guest.map(s.init, {{0x1000, 0x2000, FakeGuest::kRead | FakeGuest::kExec, 2, program},
                       {0x7000, 0x8000, FakeGuest::kRead}});
  s.guest.user_page(s.init, 0x7000, std::string_view("data\0-x\0HOME=/\0", 15));
  const uint64_t mm = s.kernel().pointer(s.init, s.kernel().layout().task.mm);
  s.guest.set("mm_struct", mm, "exe_file", program);
  s.guest.set("mm_struct", mm, "start_stack", 0x7f00);
  s.guest.set("mm_struct", mm, "arg_start", 0x7000);
  s.guest.set("mm_struct", mm, "arg_end", 0x7008);
  s.guest.set("mm_struct", mm, "env_start", 0x7008);
  s.guest.set("mm_struct", mm, "env_end", 0x700f);
}

TEST(GuestTask, SaysWhoItIs) {
  Scene s;
  const uint64_t thread = s.guest.thread(s.guest.task(5, "five"), 6, "six");
  const GuestTask task = task_of(s, thread);
  EXPECT_EQ(task.pid(), 5);
  EXPECT_EQ(task.tid(), 6);
  EXPECT_EQ(task.id().address, thread);
}

TEST(GuestTask, SaysWhereItStands) {
  Scene s;
  s.guest.set_root(s.init, s.disk_mount, s.deep);
  GuestTask task = task_of(s, s.init);
  EXPECT_EQ(task.cwd()->path, "/dir");
  EXPECT_EQ(task.cwd()->ino, 2U);
  EXPECT_EQ(task.root()->path, "/mnt/deep");
}

TEST(GuestTask, SaysWhatItRuns) {
  Scene s;
  run_data(s);
  GuestTask task = task_of(s, s.init);
  EXPECT_EQ(task.exe()->path, "/mnt/deep/data");
  EXPECT_EQ(task.runs(*task.exe()), true);
  EXPECT_EQ(task.runs(*task.cwd()), false);
  EXPECT_EQ(task.argv(), (std::vector<std::string>{"data", "-x"}));
  EXPECT_EQ(task.env(), std::vector<std::string>{"HOME=/"});
}

TEST(GuestTask, HasAMemoryMap) {
  Scene s;
  run_data(s);
  const auto map = task_of(s, s.init).memory_map();
  ASSERT_TRUE(map);
  ASSERT_EQ(map->size(), 2U);
  EXPECT_EQ((*map)[0].path, "/mnt/deep/data");
  EXPECT_EQ((*map)[0].offset, 0x2000U);
  EXPECT_EQ((*map)[0].ino, 11U);
  EXPECT_TRUE((*map)[0].executable);
  EXPECT_EQ((*map)[1].path, "[stack]");
  EXPECT_FALSE((*map)[1].executable);
}

TEST(GuestTask, ReadsMemory) {
  Scene s;
  run_data(s);
  char text[8] = "";
  EXPECT_EQ(task_of(s, s.init).read_memory(0x7005, text, 2), 2U);
  EXPECT_STREQ(text, "-x");
}

TEST(GuestTask, TakesANewProgramFromItsFirstStack) {
  Scene s;
  s.guest.map(s.init, {{0x7000, 0x8000, FakeGuest::kRead}});
  const uint64_t words[] = {1, 0x7100, 0, 0x7104, 0};
  std::string page(reinterpret_cast<const char*>(words), sizeof words);
  page.resize(0x100);
  page.append("new\0A=1\0", 8);
  s.guest.user_page(s.init, 0x7000, page);
  GuestTask task = task_of(s, s.init);
  task.read_new_program(0x7000, false);
  EXPECT_EQ(task.argv(), std::vector<std::string>{"new"});
  EXPECT_EQ(task.env(), std::vector<std::string>{"A=1"});
  task.forget_program();
  EXPECT_EQ(task.argv(), std::vector<std::string>{});
}

TEST(GuestTask, HasDescriptors) {
  Scene s;
  s.guest.open(s.init, 3, s.guest.file(s.disk_mount, s.data, O_RDWR | O_APPEND), true);
  s.guest.open(s.init, 9, s.guest.file(s.root_mount, s.file, O_WRONLY));
  s.guest.open(s.init, 10, s.guest.file(s.root_mount, s.file, O_PATH));
  GuestTask task = task_of(s, s.init);
  const auto open = task.descriptor(3);
  ASSERT_TRUE(open) << open.error().what;
  EXPECT_EQ(open->file.path, "/mnt/deep/data");
  EXPECT_EQ(open->flags, uint32_t(O_RDWR | O_APPEND | O_CLOEXEC));
  EXPECT_EQ(task.descriptor(9)->flags, uint32_t(O_WRONLY));
  EXPECT_TRUE(task.may_read_descriptor(3));
  EXPECT_FALSE(task.may_read_descriptor(9));
  EXPECT_FALSE(task.may_read_descriptor(10));
  EXPECT_FALSE(task.may_read_descriptor(11));
  EXPECT_THAT(OpenFiles(s.names(), s.init).numbers(), ElementsAre(3, 9, 10));
  for (const int bad : {0, -1, 64, 1 << 30}) {
    const auto none = task.descriptor(bad);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().sys, EBADF);
  }
}

TEST(GuestTask, ADescriptorOfABindMountHasASource) {
  Scene s;
  const uint64_t bind = s.guest.mount(s.disk_sb, s.deep, s.root_mount, s.dir);
  s.guest.open(s.init, 3, s.guest.file(bind, s.data));
  const auto file = task_of(s, s.init).descriptor_file(3);
  EXPECT_EQ(file->path, "/dir/data");
  EXPECT_EQ(file->source, "/mnt/deep/data");
}

TEST(GuestTask, ATableOfDescriptorsThatLiesIsCutAtTheEndOfMemory) {
  Scene s;
  const uint64_t files = s.guest.make("files_struct"), table = s.guest.make("fdtable");
  s.guest.set("fdtable", table, "max_fds", 0xffffffff);
  s.guest.set("fdtable", table, "fd", s.guest.words({1, 2, 3}));
  s.guest.set("files_struct", files, "fdt", table);
  s.guest.set("task_struct", s.init, "files", files);
  EXPECT_LT(OpenFiles(s.names(), s.init).numbers().size(), s.guest.bytes().size() / 8);
  EXPECT_FALSE(task_of(s, s.init).descriptor(1));
}

TEST(GuestTask, KnowsTheOtherEndOfASocket) {
  Scene s;
  const uint64_t file = s.nameless("sockfs", "UNIX", 70);
  const uint64_t socket = s.guest.make("socket"), sk = s.guest.make("sock");
  const uint64_t pid = s.guest.make("pid"), peer = s.guest.task(8, "server");
  s.guest.poke(s.guest.member("pid", pid, "tasks"),
               s.guest.member("task_struct", peer, "pid_links"));
  s.guest.set("sock", sk, "sk_peer_pid", pid);
  s.guest.set("socket", socket, "sk", sk);
  s.guest.set("file", file, "private_data", socket);
  s.guest.open(s.init, 3, file);
  s.guest.open(s.init, 4, s.guest.file(s.disk_mount, s.data));
  GuestTask task = task_of(s, s.init);
  const auto found = task.socket_peer(3);
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->pid, 8);
  EXPECT_FALSE(task.socket_peer(4)) << "no socket";
  EXPECT_FALSE(task.socket_peer(5)) << "not open";
}

TEST(GuestTask, WhatIsNotThereIsAnErrorThatNamesTheTask) {
  Scene s;
  const uint64_t kernel_thread = s.guest.task(2, "kthreadd");
  GuestTask task = task_of(s, kernel_thread);
  EXPECT_EQ(task.exe().error().what, "program of task 2 cannot be told");
  EXPECT_EQ(task.cwd().error().what, "working directory of task 2 cannot be told");
  EXPECT_EQ(task.memory_map().error().what, "memory map of task 2: it has none");
}

TEST(ProcessTable, ListsEveryProcess) {
  Scene s;
  run_data(s);
  s.guest.thread(s.init, 3, "thread");
  const uint64_t kernel_thread = s.guest.task(2, "kthreadd");
  s.guest.set("task_struct", kernel_thread, "flags", 0x00200000);
  const uint64_t zombie = s.guest.task(4, "gone", s.init);
  s.guest.set("task_struct", zombie, "exit_state", 0x20);
  const auto rows = list_processes(s.names());
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].pid, 1);
  EXPECT_EQ(rows[0].threads, 2U);
  EXPECT_EQ(rows[0].exe, "/mnt/deep/data");
  EXPECT_EQ(rows[0].argv, (std::vector<std::string>{"data", "-x"}));
  EXPECT_EQ(rows[1].comm, "kthreadd");
  EXPECT_TRUE(rows[1].kernel_thread);
  EXPECT_EQ(rows[2].pid, 4);
  EXPECT_EQ(rows[2].parent, 1);
  EXPECT_TRUE(rows[2].ended);
  EXPECT_GT(rows[2].start_ns, rows[0].start_ns);
}

}  // namespace
}  // namespace fptrace::emu
