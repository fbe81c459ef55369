#include "backends/emu/osi/guest_file_system.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "backends/emu/osi/guest_task.h"
#include "common/path/resolver.h"
#include "tests/unit/backends/emu/osi/scene.h"

namespace fptrace::emu {
namespace {

using testing::FakeKernelOptions;

int error_of(const Result<FileRef>& result) { return result ? 0 : result.error().sys; }

class Lookups : public ::testing::TestWithParam<FakeKernelOptions> {};

TEST_P(Lookups, FindWhatTheKernelRemembers) {
  Scene s(GetParam());
  for (uint64_t i = 0; i < 300; ++i)
    s.guest.dentry(s.dir, "many" + std::to_string(i), s.guest.inode(s.memory_sb, 100 + i, S_IFREG));
  s.guest.dentry(s.disk, "not there", 0);
  auto& fs = s.view().file_system_of(s.init);
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(fs.lstat("/dir/file")->ino, 3U);
    EXPECT_EQ(fs.lstat("/dir/many299")->ino, 399U);
    EXPECT_EQ(fs.lstat("/mnt/deep/data")->ino, 11U) << "across a mount";
    EXPECT_EQ(fs.lstat("/mnt")->ino, 2U) << "what is mounted, not the directory below it";
    EXPECT_EQ(fs.lstat("/")->ino, 1U);
    EXPECT_EQ(error_of(fs.lstat("/dir/none")), ENOENT) << "a tmpfs is all in memory";
    EXPECT_EQ(error_of(fs.lstat("/mnt/not there")), ENOENT) << "the kernel has looked";
    EXPECT_EQ(error_of(fs.lstat("/dir/file/x")), ENOTDIR);
    EXPECT_EQ(error_of(fs.lstat("/dir/none/x")), ENOENT);
    const auto unknown = fs.lstat("/mnt/deep/never asked for");
    ASSERT_FALSE(unknown);
    EXPECT_EQ(unknown.error().sys, 0);
    EXPECT_EQ(unknown.error().what,
              "stat /mnt/deep/never asked for: the guest does not have it in memory");
  }
}
INSTANTIATE_TEST_SUITE_P(, Lookups,
                         ::testing::Values(FakeKernelOptions{},
                                           FakeKernelOptions{.child_lists = true},
                                           FakeKernelOptions{.other_hash = true}),
                         [](const auto& test) {
                           return std::string(test.param.child_lists  ? "ChildLists"
                                              : test.param.other_hash ? "OtherHash"
                                                                      : "Usual");
                         });

TEST(GuestFileSystem, RemovedNamesAreNotFound) {
  Scene s;
  s.guest.unhash(s.file);  // its directory still has it: somebody has it open
  auto& fs = s.view().file_system_of(s.init);
  EXPECT_EQ(error_of(fs.lstat("/dir/file")), ENOENT);
}

TEST(GuestFileSystem, AFileSystemWithItsOwnHashIsSearchedInLists) {
  Scene s;
  const uint64_t ops = s.guest.make("dentry_operations");
  s.guest.set("dentry_operations", ops, "d_hash", 1);
  s.guest.set("dentry", s.deep, "d_op", ops);
  s.guest.set("dentry", s.data, "d_name.hash", 12345);
  auto& fs = s.view().file_system_of(s.init);
  EXPECT_EQ(fs.lstat("/dir/file")->ino, 3U) << "so hashes are known to work";
  EXPECT_EQ(fs.lstat("/mnt/deep/data")->ino, 11U);
}

TEST(GuestFileSystem, TheUppermostOfSeveralMountsIsSeen) {
  Scene s;
  const uint64_t sb = s.guest.super_block("tmpfs", 0, 40);
  const uint64_t upper = s.guest.dentry(0, "/", s.guest.inode(sb, 77, S_IFDIR | 0700));
  s.guest.mount(sb, upper, s.disk_mount, s.disk);
  auto& fs = s.view().file_system_of(s.init);
  EXPECT_EQ(fs.lstat("/mnt")->ino, 77U);
  EXPECT_EQ(error_of(fs.lstat("/mnt/deep")), ENOENT);
}

TEST(GuestFileSystem, ReadsShortAndLongLinks) {
  Scene s;
  const uint64_t quick = s.guest.inode(s.disk_sb, 20, S_IFLNK | 0777, 4);
  s.guest.set("inode", quick, "i_link", s.guest.put("deep"));
  s.guest.dentry(s.disk, "quick", quick);
  const std::string target(300, 't');
  const uint64_t slow = s.guest.inode(s.memory_sb, 21, S_IFLNK | 0777, target.size());
  s.guest.page(slow, 0, target);
  s.guest.dentry(s.dir, "slow", slow);
  s.guest.dentry(s.disk, "gone from memory", s.guest.inode(s.disk_sb, 22, S_IFLNK | 0777, 5));
  auto& fs = s.view().file_system_of(s.init);
  EXPECT_EQ(fs.readlink("/mnt/quick"), "deep");
  EXPECT_EQ(fs.readlink("/dir/slow"), target);
  EXPECT_EQ(fs.readlink("/mnt/gone from memory").error().sys, 0);
  EXPECT_EQ(fs.readlink("/dir/file").error().sys, EINVAL);
  EXPECT_EQ(fs.readlink("/dir/none").error().sys, ENOENT);
}

TEST(GuestFileSystem, ReadsWhatIsInThePageCache) {
  Scene s;
  s.guest.page(s.data_inode, 0, std::string(4095, 'a') + "b");
  s.guest.page(s.data_inode, 1, "second");
  s.guest.page(s.file_inode, 0, "hello, and what is no longer part of it");
  auto& fs = s.view().file_system_of(s.init);
  EXPECT_EQ(fs.read_head("/dir/file", 100), "hello");
  EXPECT_EQ(fs.read_at("/mnt/deep/data", 4094, 4), "abse");
  EXPECT_EQ(fs.read_at("/mnt/deep/data", 4096, 1 << 20)->size(), 6000U - 4096);
  EXPECT_EQ(fs.read_at("/mnt/deep/data", 6000, 4), "");
  EXPECT_EQ(fs.read_at("/mnt/deep/data", ~uint64_t{0}, 4), "");
  EXPECT_EQ(fs.read_head("/dir", 4).error().sys, EINVAL);
}

TEST(GuestFileSystem, HolesAreZeroOnlyWhereNothingElseHasTheContent) {
  Scene s;
  s.guest.page(s.data_inode, 1, "second");
  auto& fs = s.view().file_system_of(s.init);
  EXPECT_EQ(fs.read_head("/dir/file", 5), std::string(5, '\0'));
  const auto unknown = fs.read_head("/mnt/deep/data", 5);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().what, "read /mnt/deep/data: the guest does not have it in memory");
}

TEST(GuestFileSystem, PagesOnTheirWayFromTheDiskAreNotRead) {
  Scene s;
  s.guest.page(s.data_inode, 0, "old bytes");
  const uint64_t base = *s.kernel().value<uint64_t>(s.guest.symbol("vmemmap_base"));
  const uint64_t mapping = s.kernel().pointer(s.data_inode, s.kernel().layout().inode.mapping);
  const uint64_t address = PageCache(s.kernel()).page(mapping, 0);
  const uint64_t page = base + address / 4096 * s.kernel().layout().pages.page_size;
  const auto flags = s.kernel().physical(page + s.kernel().layout().pages.page_flags.offset);
  s.guest.bytes()[*flags] = std::byte{1};  // locked, not up to date
  EXPECT_FALSE(s.view().file_system_of(s.init).read_head("/mnt/deep/data", 5));
}

TEST(GuestFileSystem, OnePageStructMayStandForSeveralPages) {
  Scene s;
  s.guest.page(s.data_inode, 0, "first");
  s.guest.page(s.data_inode, 1, "second");  // right behind the first, as their memory is
  const uint64_t mapping = s.kernel().pointer(s.data_inode, s.kernel().layout().inode.mapping);
  const uint64_t node = s.kernel().pointer(mapping, s.kernel().layout().pages.head) - 2;
  s.guest.poke(s.guest.member("xa_node", node, "slots") + 8, 0 << 2 | 2);  // as slot 0
  EXPECT_EQ(s.view().file_system_of(s.init).read_at("/mnt/deep/data", 4096, 6), "second");
}

TEST(GuestFileSystem, ABindMountHasASource) {
  Scene s;
  s.guest.mount(s.disk_sb, s.deep, s.root_mount, s.dir);
  auto& fs = s.view().file_system_of(s.init);
  EXPECT_EQ(fs.lstat("/dir/data")->source, "/mnt/deep/data");
  EXPECT_EQ(fs.lstat("/mnt/deep/data")->source, "");
  EXPECT_EQ(fs.lstat("/mnt/deep/data")->path, "/mnt/deep/data");
}

TEST(GuestFileSystem, ASourceThatIsMountedOverIsNone) {
  Scene s;
  s.guest.mount(s.disk_sb, s.deep, s.root_mount, s.dir);
  const uint64_t sb = s.guest.super_block("tmpfs", 0, 40);
  const uint64_t cover = s.guest.dentry(0, "/", s.guest.inode(sb, 77, S_IFDIR | 0700));
  s.guest.mount(sb, cover, s.disk_mount, s.disk);
  EXPECT_EQ(s.view().file_system_of(s.init).lstat("/dir/data")->source, "");
}

// /proc/1 with its links; they belong to process 1.
void fill_proc(Scene& s) {
  const uint64_t pid = s.guest.make("pid");
  s.guest.set("pid", pid, "count", 1);
  s.guest.poke(s.guest.member("pid", pid, "tasks"),
               s.guest.member("task_struct", s.init, "pid_links"));
  const auto add = [&](uint64_t parent, std::string_view name, uint32_t type, uint64_t ino) {
    const uint64_t inode = s.guest.inode(s.proc_sb, ino, type | 0777);
    s.guest.set("proc_inode", inode - s.guest.member("proc_inode", 0, "vfs_inode"), "pid", pid);
    return s.guest.dentry(parent, name, inode);
  };
  const uint64_t one = add(s.proc, "1", S_IFDIR, 50);
  for (const char* name : {"cwd", "root", "exe", "strange"}) add(one, name, S_IFLNK, 51);
  const uint64_t fd = add(one, "fd", S_IFDIR, 52);
  add(fd, "3", S_IFLNK, 53);
  add(fd, "4", S_IFLNK, 54);
  s.guest.dentry(s.proc, "self", s.guest.inode(s.proc_sb, 55, S_IFLNK | 0777));
  s.guest.dentry(s.proc, "thread-self", s.guest.inode(s.proc_sb, 56, S_IFLNK | 0777));
  const uint64_t mounts = s.guest.inode(s.proc_sb, 57, S_IFLNK | 0777),
                 entry = s.guest.make("proc_dir_entry");
  s.guest.set("proc_dir_entry", entry, "data", s.guest.put("self/mounts"));
  s.guest.set("proc_inode", mounts - s.guest.member("proc_inode", 0, "vfs_inode"), "pde", entry);
  s.guest.dentry(s.proc, "mounts", mounts);
  s.guest.open(s.init, 3, s.guest.file(s.disk_mount, s.data));
}

TEST(GuestFileSystem, FollowsMagicLinksOfProcfs) {
  Scene s;
  fill_proc(s);
  auto& fs = s.view().file_system_of(s.init);
  EXPECT_EQ(fs.follow_magic("/proc/1/cwd")->path, "/dir");
  EXPECT_EQ(fs.follow_magic("/proc/1/root")->path, "/");
  EXPECT_EQ(fs.follow_magic("/proc/1/fd/3")->path, "/mnt/deep/data");
  EXPECT_EQ(error_of(fs.follow_magic("/proc/1/fd/4")), ENOENT) << "closed since";
  EXPECT_EQ(error_of(fs.follow_magic("/proc/1/exe")), ENOENT) << "it has none";
  EXPECT_EQ(error_of(fs.follow_magic("/proc/1/strange")), 0);
  EXPECT_FALSE(fs.follow_magic("/proc/1/strange"));
  EXPECT_EQ(error_of(fs.follow_magic("/dir/file")), ENOENT);
  EXPECT_EQ(fs.readlink("/proc/1/cwd"), "/dir");
}

TEST(GuestFileSystem, KnowsThePlainLinksOfProcfs) {
  Scene s;
  fill_proc(s);
  auto& fs = s.view().file_system_of(s.init);
  fs.set_reader(33, 34);
  EXPECT_EQ(fs.readlink("/proc/self"), "33");
  EXPECT_EQ(fs.readlink("/proc/thread-self"), "33/task/34");
  EXPECT_EQ(fs.readlink("/proc/mounts"), "self/mounts");
}

TEST(GuestFileSystem, KnowsAProcfsWhenItHasMetOne) {
  Scene s;
  fill_proc(s);
  auto& fs = s.view().file_system_of(s.init);
  const uint64_t dev = fs.lstat("/proc/self")->dev;
  EXPECT_TRUE(fs.is_procfs(dev));
  EXPECT_FALSE(fs.is_procfs(fs.lstat("/dir")->dev));
  EXPECT_FALSE(fs.is_procfs(0));
}

TEST(GuestFileSystem, ReadsThroughAMagicLink) {
  Scene s;
  fill_proc(s);
  s.guest.page(s.data_inode, 0, "#!/bin/sh");
  EXPECT_EQ(s.view().file_system_of(s.init).read_head("/proc/1/fd/3", 2), "#!");
}

TEST(GuestFileSystem, ServesTheSharedResolver) {
  Scene s;
  fill_proc(s);
  const uint64_t link = s.guest.inode(s.memory_sb, 20, S_IFLNK | 0777, 9);
  s.guest.set("inode", link, "i_link", s.guest.put("/mnt/deep"));
  s.guest.dentry(s.dir, "link", link);
  GuestTask task(s.view(), *GuestTasks(s.kernel()).info(s.init));
  PathResolver resolver;
  const auto through = resolver.resolve(task, {.path = "link/../deep/data"});
  EXPECT_EQ(through.lookup.file.path, "/mnt/deep/data");
  EXPECT_EQ(through.lookup.base, "/dir");
  EXPECT_EQ(through.lookup.links, std::vector<std::string>{"/dir/link"});
  EXPECT_TRUE(through.certain);
  const auto magic = resolver.resolve(task, {.path = "/proc/self/fd/3"});
  EXPECT_EQ(magic.lookup.file.ino, 11U);
  const auto missing = resolver.resolve(task, {.path = "none"});
  EXPECT_EQ(missing.error, ENOENT);
  EXPECT_TRUE(missing.certain);
  EXPECT_FALSE(resolver.resolve(task, {.path = "/mnt/deep/unknown"}).certain);
}

TEST(GuestView, GivesEachMountNamespaceItsOwnTree) {
  Scene s;
  const uint64_t other = s.guest.task(5, "five"), proxy = s.guest.make("nsproxy");
  const uint64_t ns = s.guest.make("mnt_namespace");
  const uint64_t top = s.guest.dentry(0, "/", s.guest.inode(s.memory_sb, 90, S_IFDIR | 0755));
  const uint64_t mount = s.guest.mount(s.memory_sb, top);
  s.guest.set("mount", mount, "mnt_ns", ns);
  s.guest.set("mnt_namespace", s.guest.mount_namespace(), "root", s.root_mount);
  s.guest.set("mnt_namespace", ns, "root", mount);
  s.guest.set("mnt_namespace", ns, "ns.inum", 4026532000);
  s.guest.set("nsproxy", proxy, "mnt_ns", ns);
  s.guest.set("task_struct", other, "nsproxy", proxy);
  s.guest.dentry(top, "inside", s.guest.inode(s.memory_sb, 91, S_IFREG));
  EXPECT_EQ(s.view().file_system_of(other).lstat("/inside")->ino, 91U);
  EXPECT_EQ(error_of(s.view().file_system_of(other).lstat("/dir")), ENOENT);
  EXPECT_EQ(error_of(s.view().file_system_of(s.init).lstat("/inside")), ENOENT);
  EXPECT_EQ(GuestView::root_of_init(s.kernel()), (Place{s.root_mount, s.root}));
}

}  // namespace
}  // namespace fptrace::emu
