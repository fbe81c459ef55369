#include "backends/emu/osi/guest_names.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include "tests/unit/backends/emu/osi/scene.h"

namespace fptrace::emu {
namespace {

std::string path_of(const GuestNames& names, Place place) {
  const auto name = names.name(place);
  return name ? name->path + (name->deleted ? " (deleted)" : "") : "(nothing)";
}

TEST(GuestNames, AreFoundFromTheBottomUp) {
  Scene s;
  EXPECT_EQ(path_of(s.names(), {s.root_mount, s.file}), "/dir/file");
  EXPECT_EQ(path_of(s.names(), {s.root_mount, s.root}), "/");
}

TEST(GuestNames, GoOnAcrossMounts) {
  Scene s;
  EXPECT_EQ(path_of(s.names(), {s.disk_mount, s.data}), "/mnt/deep/data");
  EXPECT_EQ(path_of(s.names(), {s.disk_mount, s.disk}), "/mnt");
}

TEST(GuestNames, CountFromTheRootThatIsAskedFor) {
  Scene s;
  const GuestNames jailed(s.kernel(), {s.disk_mount, s.deep});
  EXPECT_EQ(path_of(jailed, {s.disk_mount, s.data}), "/data");
  EXPECT_EQ(path_of(jailed, {s.disk_mount, s.deep}), "/");
  EXPECT_EQ(path_of(jailed, {s.root_mount, s.file}), "/dir/file") << "not below: from the top";
}

TEST(GuestNames, ABindMountShowsThePartUnderItsOwnName) {
  Scene s;
  const uint64_t bind = s.guest.mount(s.disk_sb, s.deep, s.root_mount, s.dir);
  EXPECT_EQ(path_of(s.names(), {bind, s.data}), "/dir/data");
}

TEST(GuestNames, OfARemovedFileIsKnownButDeleted) {
  Scene s;
  s.guest.unhash(s.data);
  EXPECT_EQ(path_of(s.names(), {s.disk_mount, s.data}), "/mnt/deep/data (deleted)");
}

TEST(GuestNames, OfAnUnmountedTreeBeginAtItsOwnTop) {
  Scene s;
  const uint64_t detached = s.guest.mount(s.disk_sb, s.disk);
  EXPECT_EQ(path_of(s.names(), {detached, s.data}), "/deep/data");
}

TEST(GuestNames, MayHoldAnyByteAndBeLong) {
  Scene s;
  const std::string name = std::string(200, 'x') + "\n\xff \\";
  const uint64_t odd = s.guest.dentry(s.dir, name, 0);
  EXPECT_EQ(path_of(s.names(), {s.root_mount, odd}), "/dir/" + name);
}

struct Nameless {
  const char* type;
  const char* name;
  const char* shown;
};
void PrintTo(const Nameless& n, std::ostream* out) { *out << n.type; }
class NamelessFile : public ::testing::TestWithParam<Nameless> {};

TEST_P(NamelessFile, GetsTheNameThatTheKernelMakesUp) {
  Scene s;
  const uint64_t file = s.nameless(GetParam().type, GetParam().name, 42);
  const GuestNames names = s.names();
  EXPECT_EQ(path_of(names, names.place_of_file(file)), GetParam().shown);
}
INSTANTIATE_TEST_SUITE_P(
    , NamelessFile,
    ::testing::Values(Nameless{"pipefs", "", "pipe:[42]"}, Nameless{"sockfs", "TCP", "socket:[42]"},
                      Nameless{"anon_inodefs", "[eventpoll]", "anon_inode:[eventpoll]"},
                      Nameless{"pidfs", "", "anon_inode:[pidfd]"},
                      Nameless{"tmpfs", "memfd:a name", "memfd:a name (deleted)"},
                      Nameless{"hugetlbfs", "anon_hugepage", "/anon_hugepage (deleted)"}),
    [](const auto& test) { return test.param.type; });

TEST(GuestNames, OfANamespaceIsItsKindAndNumber) {
  Scene s;
  const uint64_t file = s.nameless("nsfs", "", 4026531841);
  const uint64_t ops = s.guest.make("proc_ns_operations"), ns = s.guest.make("ns_common");
  s.guest.set("proc_ns_operations", ops, "name", s.guest.put("mnt"));
  s.guest.set("ns_common", ns, "ops", ops);
  s.guest.set("ns_common", ns, "inum", 4026531841);
  const GuestNames names = s.names();
  const Place place = names.place_of_file(file);
  const uint64_t inode = s.kernel().pointer(place.dentry, s.kernel().layout().dentry.inode);
  s.guest.set("inode", inode, "i_private", ns);
  EXPECT_EQ(path_of(names, place), "mnt:[4026531841]");
  s.guest.set("inode", inode, "i_private", 0);
  s.guest.set("dentry", place.dentry, "d_fsdata", ops);
  EXPECT_EQ(path_of(names, place), "mnt:[4026531841]") << "as before 6.9";
}

TEST(GuestNames, PropertiesAreThoseThatStatShows) {
  Scene s;
  s.guest.set("inode", s.data_inode, "i_nlink", 3);
  s.guest.set("inode", s.data_inode, "i_mtime_sec", 1'700'000'000);
  s.guest.set("inode", s.data_inode, "i_mtime_nsec", 5);
  s.guest.set("inode", s.data_inode, "i_ctime_sec", 1'700'000'001);
  s.guest.set("inode", s.data_inode, "i_ctime_nsec", 0x80000007);
  const auto file = s.names().file({s.disk_mount, s.data});
  ASSERT_TRUE(file);
  EXPECT_EQ(file->path, "/mnt/deep/data");
  EXPECT_EQ(file->dev, makedev(8, 1));
  EXPECT_EQ(file->ino, 11U);
  EXPECT_EQ(file->mode, S_IFREG | 0600U);
  EXPECT_EQ(file->nlink, 3U);
  EXPECT_EQ(file->size, 6000U);
  EXPECT_EQ(file->mount, 21U);
  EXPECT_EQ(file->mtime_ns, 1'700'000'000'000'000'005);
  EXPECT_EQ(file->ctime_ns, 1'700'000'001'000'000'007) << "without the kernel's own mark";
}

TEST(GuestNames, ANegativeDentryIsANameWithoutAFile) {
  Scene s;
  const uint64_t missing = s.guest.dentry(s.dir, "missing", 0);
  const auto file = s.names().file({s.root_mount, missing});
  ASSERT_TRUE(file);
  EXPECT_EQ(file->path, "/dir/missing");
  EXPECT_FALSE(file->exists());
}

TEST(GuestNames, ParentsInACircleAreNoPath) {
  Scene s;
  s.guest.set("dentry", s.dir, "d_parent", s.file);
  EXPECT_EQ(path_of(s.names(), {s.root_mount, s.file}), "(nothing)");
}

TEST(GuestNames, MountsInACircleAreNoPath) {
  Scene s;
  const uint64_t a = s.guest.mount(s.disk_sb, s.disk, s.disk_mount, s.disk);
  s.guest.set("mount", s.disk_mount, "mnt_parent", a);
  s.guest.set("mount", s.disk_mount, "mnt_mountpoint", s.disk);
  EXPECT_EQ(path_of(s.names(), {a, s.disk}), "(nothing)");
}

// Two mounts on top of each other whose parts lie at equal distances in memory.
TEST(GuestNames, MountsThatAreAlikeAreNoCircle) {
  Scene s;
  const uint64_t distance = 0x10000;
  const uint64_t block = s.guest.words(std::vector<uint64_t>(0x40000 / 8), 0x40000);
  const auto mount_at = [&](uint64_t mount, uint64_t parent, uint64_t mountpoint) {
    s.guest.set("dentry", mount + 0x1000, "d_parent", mount + 0x1000);
    s.guest.set("mount", mount, "mnt.mnt_root", mount + 0x1000);
    s.guest.set("mount", mount, "mnt_parent", parent);
    s.guest.set("mount", mount, "mnt_mountpoint", mountpoint);
    return mount;
  };
  uint64_t top = s.disk_mount, point = s.disk;
  for (uint64_t i = 0; i < 4; ++i) {
    top = mount_at(block + i * distance, top, point);
    point = top + 0x1000;
  }
  EXPECT_EQ(path_of(s.names(), {top, point}), "/mnt");
}

TEST(GuestNames, WhatCannotBeReadIsNoPath) {
  Scene s;
  EXPECT_EQ(path_of(s.names(), {}), "(nothing)");
  EXPECT_EQ(path_of(s.names(), {s.root_mount, 0x1000}), "(nothing)");
  s.guest.set("dentry", s.file, "d_name.len", 70000);
  EXPECT_EQ(path_of(s.names(), {s.root_mount, s.file}), "(nothing)");
}

}  // namespace
}  // namespace fptrace::emu
