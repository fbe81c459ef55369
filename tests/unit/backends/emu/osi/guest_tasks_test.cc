#include "backends/emu/osi/guest_tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/backends/emu/osi/scene.h"

namespace fptrace::emu {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GuestTasks, ListsProcessesWithoutTheIdleOne) {
  Scene s;
  const uint64_t two = s.guest.task(2, "two"), nine = s.guest.task(9, "nine");
  s.guest.thread(two, 3, "thread");
  EXPECT_THAT(GuestTasks(s.kernel()).processes(), ElementsAre(s.init, two, nine));
}

TEST(GuestTasks, ListsAndCountsThreads) {
  Scene s;
  const uint64_t leader = s.guest.task(2, "two");
  const uint64_t a = s.guest.thread(leader, 3, "a"), b = s.guest.thread(leader, 4, "b");
  const GuestTasks tasks(s.kernel());
  EXPECT_THAT(tasks.threads(leader), ElementsAre(leader, a, b));
  EXPECT_THAT(tasks.threads(b), ElementsAre(leader, a, b)) << "asked of any of them";
  EXPECT_EQ(tasks.thread_count(a), 3U);
  EXPECT_EQ(tasks.find_thread(leader, 4), b);
  EXPECT_EQ(tasks.find_thread(leader, 5), 0U);
}

TEST(GuestTasks, TellsWhatATaskIs) {
  Scene s;
  const uint64_t leader = s.guest.task(20, "leader");
  const uint64_t child = s.guest.task(21, "child", leader);
  const uint64_t thread = s.guest.thread(child, 22, "a thread of 15b");
  s.guest.set("task_struct", thread, "exit_state", 0x20);
  const GuestTasks tasks(s.kernel());
  const auto info = tasks.info(thread);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->pid, 21);
  EXPECT_EQ(info->tid, 22);
  EXPECT_EQ(info->parent, 20);
  EXPECT_EQ(info->comm, "a thread of 15b");
  EXPECT_TRUE(info->ended);
  EXPECT_FALSE(info->kernel_thread);
  EXPECT_EQ(info->id, tasks.id(thread));
  EXPECT_LT(tasks.id(leader)->start_time, tasks.id(thread)->start_time);
  EXPECT_EQ(tasks.info(child)->boot_time, tasks.id(child)->start_time + 5);
}

TEST(GuestTasks, ATaskThatCannotBeReadIsNone) {
  Scene s;
  const GuestTasks tasks(s.kernel());
  for (const uint64_t nowhere : {uint64_t{0}, uint64_t{0x1000}, ~uint64_t{7}}) {
    EXPECT_EQ(tasks.id(nowhere), std::nullopt);
    EXPECT_FALSE(tasks.info(nowhere));
    EXPECT_FALSE(tasks.credentials(nowhere));
    EXPECT_THAT(tasks.threads(nowhere), IsEmpty());
    EXPECT_EQ(tasks.thread_count(nowhere), 0U);
  }
}

TEST(GuestTasks, ListsThatLeadInCirclesEnd) {
  Scene s;
  const uint64_t two = s.guest.task(2, "two"), three = s.guest.task(3, "three");
  s.guest.poke(s.guest.member("task_struct", three, "tasks"),
               s.guest.member("task_struct", two, "tasks"));
  const auto found = GuestTasks(s.kernel()).processes();
  EXPECT_GE(found.size(), 3U);
  EXPECT_LT(found.size(), 10U);
  EXPECT_EQ(GuestTasks(s.kernel()).find_process(99), 0U);
}

TEST(GuestTasks, TellsCredentialsOfTheTaskItself) {
  Scene s;
  const uint64_t task = s.guest.task(5, "five");
  const uint64_t cred = s.guest.make("cred"), groups = s.guest.make("group_info");
  (void)s.guest.words({uint64_t{8} << 32 | 7});  // right behind it: gid[0] and gid[1]
  uint32_t id = 1000;
  for (const char* name : {"uid", "euid", "suid", "fsuid", "gid", "egid", "sgid", "fsgid"})
    s.guest.set("cred", cred, name, id++);
  s.guest.set("group_info", groups, "ngroups", 1);
  s.guest.poke(s.guest.member("group_info", groups, "gid"), 77);
  s.guest.set("cred", cred, "group_info", groups);
  s.guest.set("task_struct", task, "real_cred", cred);
  const auto found = GuestTasks(s.kernel()).credentials(task);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->uid, 1000U);
  EXPECT_EQ(found->euid, 1001U);
  EXPECT_EQ(found->suid, 1002U);
  EXPECT_EQ(found->fsuid, 1003U);
  EXPECT_EQ(found->gid, 1004U);
  EXPECT_EQ(found->egid, 1005U);
  EXPECT_EQ(found->sgid, 1006U);
  EXPECT_EQ(found->fsgid, 1007U);
  EXPECT_THAT(found->groups, ElementsAre(77));
}

TEST(GuestTasks, ACountOfGroupsThatIsTooLargeIsCut) {
  Scene s;
  const uint64_t task = s.guest.task(5, "five"), groups = s.guest.make("group_info");
  const uint64_t cred = s.guest.make("cred");
  s.guest.set("group_info", groups, "ngroups", 0xffffffff);
  s.guest.set("cred", cred, "group_info", groups);
  s.guest.set("task_struct", task, "real_cred", cred);
  EXPECT_LE(GuestTasks(s.kernel()).credentials(task)->groups.size(), 65536U);
}

TEST(GuestTasks, TellsNamespaces) {
  Scene s;
  const uint64_t net = s.guest.make("net"), proxy = s.guest.make("nsproxy");
  const uint64_t pid_ns = s.guest.make("pid_namespace"), pid = s.guest.make("pid");
  s.guest.set("net", net, "ns.inum", 4026531840);
  s.guest.set("nsproxy", proxy, "net_ns", net);
  s.guest.set("nsproxy", proxy, "mnt_ns", s.guest.mount_namespace());
  s.guest.set("pid_namespace", pid_ns, "ns.inum", 4026531836);
  s.guest.poke(s.guest.member("pid", pid, "numbers") + 8, pid_ns);  // upid.ns
  s.guest.set("task_struct", s.init, "nsproxy", proxy);
  s.guest.set("task_struct", s.init, "thread_pid", pid);
  const Namespaces n = GuestTasks(s.kernel()).namespaces(s.init);
  EXPECT_EQ(n.net, 4026531840);
  EXPECT_EQ(n.mnt, 4026531841);
  EXPECT_EQ(n.pid, 4026531836);
  EXPECT_EQ(n.time, 0U) << "this kernel has none";
}

struct Permission {
  const char* name;
  uint32_t mode, owner, group;
  uint64_t capabilities;
  std::optional<bool> may;
};
void PrintTo(const Permission& p, std::ostream* out) { *out << p.name; }
class MayRead : public ::testing::TestWithParam<Permission> {};

// The task has uid 1000, gid 100 and group 200.
TEST_P(MayRead, GoesByOwnerGroupAndCapabilities) {
  Scene s;
  const Permission& p = GetParam();
  const uint64_t task = s.guest.task(5, "five"), cred = s.guest.make("cred");
  const uint64_t groups = s.guest.make("group_info");
  s.guest.set("group_info", groups, "ngroups", 1);
  s.guest.poke(s.guest.member("group_info", groups, "gid"), 200);
  s.guest.set("cred", cred, "group_info", groups);
  s.guest.set("cred", cred, "fsuid", 1000);
  s.guest.set("cred", cred, "fsgid", 100);
  s.guest.set("cred", cred, "cap_effective", p.capabilities);
  s.guest.set("cred", cred, "user_ns", s.guest.make("user_namespace"));
  s.guest.set("task_struct", task, "cred", cred);
  s.guest.set("inode", s.file_inode, "i_mode", S_IFREG | p.mode);
  s.guest.set("inode", s.file_inode, "i_uid", p.owner);
  s.guest.set("inode", s.file_inode, "i_gid", p.group);
  EXPECT_EQ(GuestTasks(s.kernel()).may_read(task, s.file_inode), p.may);
}
INSTANTIATE_TEST_SUITE_P(, MayRead,
                         ::testing::Values(Permission{"Owner", 0400, 1000, 0, 0, true},
                                           Permission{"OwnerShutOut", 0044, 1000, 100, 0, false},
                                           Permission{"Group", 0040, 0, 100, 0, true},
                                           Permission{"OtherGroup", 0040, 0, 200, 0, true},
                                           Permission{"GroupShutOut", 0604, 0, 200, 0, false},
                                           Permission{"Others", 0004, 0, 0, 0, true},
                                           Permission{"Nobody", 0000, 0, 0, 0, false},
                                           Permission{"ReadSearch", 0000, 0, 0, 4, true},
                                           Permission{"Override", 0000, 0, 0, 2, true},
                                           Permission{"AnotherCapability", 0000, 0, 0, 8, false}),
                         ::testing::PrintToStringParamName());

TEST(GuestTasks, CapabilitiesOfAnInnerUserNamespaceDoNotTell) {
  Scene s;
  const uint64_t task = s.guest.task(5, "five"), cred = s.guest.make("cred");
  const uint64_t user = s.guest.make("user_namespace");
  s.guest.set("user_namespace", user, "parent", s.guest.make("user_namespace"));
  s.guest.set("cred", cred, "user_ns", user);
  s.guest.set("cred", cred, "fsuid", 5);
  s.guest.set("cred", cred, "fsgid", 5);
  s.guest.set("cred", cred, "cap_effective", 2);
  s.guest.set("task_struct", task, "cred", cred);
  s.guest.set("inode", s.file_inode, "i_mode", S_IFREG);
  EXPECT_EQ(GuestTasks(s.kernel()).may_read(task, s.file_inode), std::nullopt);
}

}  // namespace
}  // namespace fptrace::emu
