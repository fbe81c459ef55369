#include "backends/ptrace/host_task.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <gtest/gtest.h>

#include "common/base/unique_fd.h"

namespace fptrace::ptrace {
namespace {

HostTask self() { return HostTask(::getpid(), ::gettid()); }

class HostTaskFiles : public ::testing::Test {
 protected:
  HostTaskFiles() {
    char name[] = "/tmp/fptrace-test-XXXXXX";
    dir_ = std::filesystem::canonical(::mkdtemp(name));
  }
  ~HostTaskFiles() override { std::filesystem::remove_all(dir_); }
  UniqueFd create(const std::string& name, int flags = O_RDWR) {
    return UniqueFd(::open((dir_ + "/" + name).c_str(), flags | O_CREAT | O_CLOEXEC, 0600));
  }
  std::string dir_;
};

TEST(HostTask, ReadsMemoryUpToTheFirstUnmappedPage) {
  const size_t page = size_t(::sysconf(_SC_PAGESIZE));
  auto* two = static_cast<char*>(
      ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(two, MAP_FAILED);
  two[page - 2] = 'x';
  ::munmap(two + page, page);
  std::string out(100, '\0');
  EXPECT_EQ(self().read_memory(uint64_t(two) + page - 2, out.data(), out.size()), 2u);
  EXPECT_EQ(out[0], 'x');
  ::munmap(two, page);
  EXPECT_EQ(self().read_memory(uint64_t(two), out.data(), out.size()), 0u);
}

TEST(HostTask, ReadsMoreThanOneBatchOfPages) {
  std::string big(1 << 20, 'a'), out(1 << 20, '\0');
  big.back() = 'z';
  EXPECT_EQ(self().read_memory(uint64_t(big.data()), out.data(), out.size()), out.size());
  EXPECT_EQ(out, big);
}

TEST_F(HostTaskFiles, DescriptorHasItsFlagsAndPath) {
  const UniqueFd fd = create("a b\n", O_WRONLY | O_APPEND);
  const auto file = self().descriptor(fd.get());
  ASSERT_TRUE(file) << file.error().what;
  EXPECT_EQ(file->file.path, dir_ + "/a b\n");
  EXPECT_EQ(file->flags & (O_ACCMODE | O_APPEND), unsigned(O_WRONLY | O_APPEND));
}

TEST_F(HostTaskFiles, DeletedFileLosesTheKernelsMark) {
  const UniqueFd fd = create("gone");
  ::unlink((dir_ + "/gone").c_str());
  const auto file = self().descriptor(fd.get());
  ASSERT_TRUE(file);
  EXPECT_EQ(file->file.path, dir_ + "/gone");
  EXPECT_EQ(file->file.nlink, 0u);
}

TEST_F(HostTaskFiles, NameThatEndsLikeTheMarkIsKept) {
  const UniqueFd fd = create("real (deleted)");
  EXPECT_EQ(self().descriptor(fd.get())->file.path, dir_ + "/real (deleted)");
}

TEST_F(HostTaskFiles, MemfdHasItsKernelName) {
  const UniqueFd fd(::memfd_create("code", MFD_CLOEXEC));
  EXPECT_EQ(self().descriptor(fd.get())->file.path, "memfd:code");
}

TEST_F(HostTaskFiles, DirectoryDeeperThanPathMaxIsNamedByClimbing) {
  const std::string name(200, 'd');
  UniqueFd at(::open(dir_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::string want = dir_;
  for (int i = 0; i < 25; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0700), 0);
    at = UniqueFd(::openat(at.get(), name.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    want += "/" + name;
  }
  const auto file = self().descriptor(at.get());
  ASSERT_TRUE(file) << file.error().what;
  EXPECT_EQ(file->file.path, want);
}

TEST(HostTask, MissingDescriptorIsAnError) {
  const auto file = self().descriptor(99999);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().sys, ENOENT);
}

TEST(HostTask, KnowsItsOwnProgramArgumentsAndRoot) {
  EXPECT_EQ(self().exe()->path, std::filesystem::read_symlink("/proc/self/exe").string());
  EXPECT_FALSE(self().argv()->empty());
  EXPECT_EQ(self().root()->path, "/");
}

TEST_F(HostTaskFiles, LstatDoesNotFollowAndSaysWhyItFails) {
  ASSERT_EQ(::symlink("nowhere", (dir_ + "/link").c_str()), 0);
  HostFileSystem fs;
  EXPECT_TRUE(S_ISLNK(fs.lstat(dir_ + "/link")->mode));
  EXPECT_EQ(*fs.readlink(dir_ + "/link"), "nowhere");
  EXPECT_EQ(fs.lstat(dir_ + "/none").error().sys, ENOENT);
  EXPECT_TRUE(fs.is_procfs(stat_file("/proc/self", false)->dev));
  EXPECT_FALSE(fs.is_procfs(stat_file("/", false)->dev));
}

}  // namespace
}  // namespace fptrace::ptrace
