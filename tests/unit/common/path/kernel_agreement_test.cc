#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include <gtest/gtest.h>

#include "backends/ptrace/host_task.h"
#include "common/base/unique_fd.h"
#include "common/path/resolver.h"

// The resolver against the kernel itself: random trees, random paths, the same answers.

namespace fptrace {
namespace {

namespace fs = std::filesystem;

std::string where_is(int fd) {
  char buf[PATH_MAX];
  const ssize_t n = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), buf, sizeof buf);
  return n < 0 ? "" : std::string(buf, size_t(n));
}

class KernelAgreement : public ::testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    char name[] = "/tmp/fptrace-paths-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    root_ = fs::canonical(name);
    for (const char* dir : {"a", "a/b", "a/b/c", "d", "d/e"}) fs::create_directory(root_ / dir);
    for (int i = 0; i < 10; ++i) change_tree();
    ::mkfifo((root_ / "d/p").c_str(), 0600);
  }
  void TearDown() override {
    std::error_code ignored;
    fs::current_path("/");
    fs::remove_all(root_, ignored);
  }

  size_t random(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(rng_); }
  std::string pick(const std::vector<std::string>& from) { return from[random(from.size())]; }

  std::string random_path(size_t most) {
    std::string path;
    const size_t count = 1 + random(most);
    for (size_t i = 0; i < count; ++i) {
      path += pick({"a", "b", "c", "d", "e", "f", "l", "m", "n", "..", "..", ".", "", "nope"});
      if (i + 1 < count || random(6) == 0) path += '/';
    }
    return path;
  }
  fs::path random_directory() { return root_ / pick({"", "a", "a/b", "a/b/c", "d", "d/e"}); }

  // Files and links come and go behind the resolver's back.
  void change_tree() {
    std::error_code error;
    const fs::path at = random_directory() / pick({"f", "l", "m", "n"});
    fs::remove(at, error);
    switch (random(4)) {
      case 0:
        fs::create_symlink(root_.string() + "/" + random_path(3), at, error);
        break;
      case 1:
        fs::create_symlink(random_path(4), at, error);
        break;
      case 2:
        (void)UniqueFd(::open(at.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
        break;
      default:
        fs::create_directory(at, error);
    }
  }

  void compare(const PathRequest& request) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC | (request.last == LastLink::kKeep ? uint64_t{O_NOFOLLOW} : 0);
    how.resolve = request.resolve;
    UniqueFd fd;
    int error;
    do {
      fd = UniqueFd(
          int(::syscall(SYS_openat2, request.dirfd, request.path.c_str(), &how, sizeof how)));
      error = fd ? 0 : errno;
    } while (error == EAGAIN);  // openat2(2): somebody renamed something meanwhile, anywhere
    const Resolution found = resolver_.resolve(task_, request);
    const std::string what = "'" + request.path + "' resolve " + std::to_string(request.resolve) +
                             (request.last == LastLink::kKeep ? " nofollow" : "");
    ASSERT_EQ(found.error, error) << what << " -> " << found.lookup.file.path;
    if (error != 0) return;
    struct stat st {};
    ASSERT_EQ(::fstat(fd.get(), &st), 0);
    ASSERT_EQ(found.lookup.file.path, where_is(fd.get())) << what;
    ASSERT_EQ(found.lookup.file.ino, st.st_ino) << what;
    ASSERT_EQ(found.lookup.file.mode, st.st_mode) << what;
  }

  std::mt19937 rng_{GetParam()};
  fs::path root_;
  ptrace::HostTask task_{::getpid(), ::getpid()};
  PathResolver resolver_;
};

TEST_P(KernelAgreement, OnRandomPaths) {
  for (int i = 0; i < 2000 && !HasFatalFailure(); ++i) {
    if (random(8) == 0) change_tree();
    fs::current_path(random_directory());
    PathRequest request;
    request.path = random_path(6);
    if (random(2) == 0) request.path = root_.string() + "/" + request.path;
    if (random(3) == 0) request.last = LastLink::kKeep;
    const UniqueFd dir(::open(random_directory().c_str(), O_PATH | O_CLOEXEC));
    if (random(3) == 0) request.dirfd = dir.get();
    compare(request);
  }
}

TEST_P(KernelAgreement, OnRandomPathsWithinABox) {
  constexpr uint64_t kModes[] = {RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS,
                                 RESOLVE_NO_MAGICLINKS, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
  for (int i = 0; i < 2000 && !HasFatalFailure(); ++i) {
    if (random(8) == 0) change_tree();
    const UniqueFd dir(::open(random_directory().c_str(), O_PATH | O_CLOEXEC));
    PathRequest request;
    request.dirfd = dir.get();
    request.path = random_path(6);
    if (random(3) == 0) request.path = "/" + request.path;
    if (random(3) == 0) request.last = LastLink::kKeep;
    request.resolve = kModes[random(std::size(kModes))];
    compare(request);
  }
}

TEST_P(KernelAgreement, ThroughProcfs) {
  const UniqueFd dir(::open(random_directory().c_str(), O_PATH | O_CLOEXEC));
  const std::string fd = std::to_string(dir.get());
  for (int i = 0; i < 500 && !HasFatalFailure(); ++i) {
    fs::current_path(random_directory());
    PathRequest request;
    request.path = pick({"/proc/self/cwd/", "/proc/self/fd/" + fd + "/", "/dev/fd/" + fd + "/",
                         "/proc/thread-self/cwd/", "/proc/self/root" + root_.string() + "/",
                         "/proc/self/task/" + std::to_string(::getpid()) + "/fd/" + fd + "/"}) +
                   random_path(4);
    compare(request);
  }
}

INSTANTIATE_TEST_SUITE_P(Seed, KernelAgreement, ::testing::Range(1u, 9u));

}  // namespace
}  // namespace fptrace
