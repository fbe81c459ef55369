#include <sys/inotify.h>
#include <unistd.h>

#include "tests/unit/common/syscall/decoder_fixture.h"

namespace fptrace {
namespace {

class PathCalls : public DecoderFixture {
 protected:
  PathCalls() {
    fs_.file("/d/f");
    fs_.symlink("/d/l", "f");
    fs_.file("/f");
    task_.open(3, fs_.ref("/d"));
    task_.open(4, fs_.ref("/f"));
    buf_ = task_.put(std::string(512, '\0'));
  }
  PathEvent event(std::string_view name, std::array<uint64_t, 6> args, Abi abi = Abi::kX86_64) {
    return one<PathEvent>(run(name, args, 0, abi));
  }
  uint64_t buf_;
};

// Every call that names its file by (path) or (dirfd, path[, flags]), in each of its forms.
struct Form {
  const char* call;
  PathOp op;
  Abi abi;
  bool at;          // takes a descriptor first
  bool keeps_link;  // does not follow a link at the end
};
void PrintTo(const Form& f, std::ostream* os) { *os << f.call; }
class PathForm : public PathCalls, public ::testing::WithParamInterface<Form> {};

TEST_P(PathForm, TellsTheFileAndTheOperation) {
  const Form& form = GetParam();
  const uint64_t path = str(form.at ? "l" : "/d/l");
  const auto e = form.at ? event(form.call, {3, path, 0, 0, 0, 0}, form.abi)
                         : event(form.call, {path, 0, 0, 0, 0, 0}, form.abi);
  EXPECT_EQ(e.op, form.op);
  EXPECT_EQ(e.at.file.path, form.keeps_link ? "/d/l" : "/d/f");
  EXPECT_EQ(e.at.base, form.at ? "/d" : "");
  EXPECT_EQ(e.error, 0);
}

TEST_P(PathForm, TellsTheErrorOfAnUnreadablePath) {
  const Form& form = GetParam();
  const std::array<uint64_t, 6> args =
      form.at ? std::array<uint64_t, 6>{3, kNowhere} : std::array<uint64_t, 6>{kNowhere};
  EXPECT_EQ(one<PathEvent>(run(form.call, args, -EFAULT, form.abi)).error, EFAULT);
  EXPECT_EQ(one<GapEvent>(run(form.call, args, 0, form.abi)).what, "unreadable path");
}

constexpr Abi k64 = Abi::kX86_64, k32 = Abi::kI386;
INSTANTIATE_TEST_SUITE_P(
    , PathForm,
    ::testing::Values(Form{"stat", PathOp::kStat, k64, false, false},
                      Form{"lstat", PathOp::kStat, k64, false, true},
                      Form{"stat64", PathOp::kStat, k32, false, false},
                      Form{"lstat64", PathOp::kStat, k32, false, true},
                      Form{"oldstat", PathOp::kStat, k32, false, false},
                      Form{"oldlstat", PathOp::kStat, k32, false, true},
                      Form{"newfstatat", PathOp::kStat, k64, true, false},
                      Form{"fstatat64", PathOp::kStat, k32, true, false},
                      Form{"statx", PathOp::kStat, k64, true, false},
                      Form{"statx", PathOp::kStat, Abi::kX32, true, false},
                      Form{"file_getattr", PathOp::kStat, k64, true, false},
                      Form{"access", PathOp::kAccess, k64, false, false},
                      Form{"faccessat", PathOp::kAccess, k64, true, false},
                      Form{"faccessat2", PathOp::kAccess, k32, true, false},
                      Form{"readlink", PathOp::kReadlink, k64, false, true},
                      Form{"readlinkat", PathOp::kReadlink, k64, true, true},
                      Form{"statfs", PathOp::kStatfs, k64, false, false},
                      Form{"statfs64", PathOp::kStatfs, k32, false, false},
                      Form{"getxattr", PathOp::kGetxattr, k64, false, false},
                      Form{"lgetxattr", PathOp::kGetxattr, k64, false, true},
                      Form{"listxattr", PathOp::kGetxattr, k64, false, false},
                      Form{"llistxattr", PathOp::kGetxattr, k64, false, true},
                      Form{"getxattrat", PathOp::kGetxattr, k64, true, false},
                      Form{"listxattrat", PathOp::kGetxattr, k64, true, false},
                      Form{"name_to_handle_at", PathOp::kHandle, k64, true, true},
                      Form{"chdir", PathOp::kChdir, k64, false, false},
                      Form{"chroot", PathOp::kChroot, k64, false, false},
                      Form{"chmod", PathOp::kChmod, k64, false, false},
                      Form{"fchmodat", PathOp::kChmod, k64, true, false},
                      Form{"fchmodat2", PathOp::kChmod, k64, true, false},
                      Form{"file_setattr", PathOp::kChmod, k64, true, false},
                      Form{"chown", PathOp::kChown, k64, false, false},
                      Form{"lchown", PathOp::kChown, k64, false, true},
                      Form{"chown32", PathOp::kChown, k32, false, false},
                      Form{"lchown32", PathOp::kChown, k32, false, true},
                      Form{"fchownat", PathOp::kChown, k64, true, false},
                      Form{"utime", PathOp::kUtime, k64, false, false},
                      Form{"utimes", PathOp::kUtime, k64, false, false},
                      Form{"futimesat", PathOp::kUtime, k64, true, false},
                      Form{"utimensat", PathOp::kUtime, k64, true, false},
                      Form{"utimensat_time64", PathOp::kUtime, k32, true, false},
                      Form{"setxattr", PathOp::kSetxattr, k64, false, false},
                      Form{"lsetxattr", PathOp::kSetxattr, k64, false, true},
                      Form{"removexattr", PathOp::kSetxattr, k64, false, false},
                      Form{"lremovexattr", PathOp::kSetxattr, k64, false, true},
                      Form{"setxattrat", PathOp::kSetxattr, k64, true, false},
                      Form{"removexattrat", PathOp::kSetxattr, k64, true, false},
                      Form{"truncate", PathOp::kTruncate, k64, false, false},
                      Form{"truncate64", PathOp::kTruncate, k32, false, false}),
    [](const auto& info) { return std::string(info.param.call) + std::to_string(info.index); });

struct AtFlag {
  const char* call;
  int flags_arg;
  const char* file;  // what "l" leads to with AT_SYMLINK_NOFOLLOW, or AT_SYMLINK_FOLLOW
  int flag;
};
void PrintTo(const AtFlag& f, std::ostream* os) { *os << f.call; }
class AtFlags : public PathCalls, public ::testing::WithParamInterface<AtFlag> {};
TEST_P(AtFlags, DecideAboutTheLastLink) {
  std::array<uint64_t, 6> args = {3, str("l")};
  args[size_t(GetParam().flags_arg)] = uint64_t(GetParam().flag);
  EXPECT_EQ(event(GetParam().call, args).at.file.path, GetParam().file);
}
TEST_P(AtFlags, AnEmptyPathMeansTheDescriptor) {
  std::array<uint64_t, 6> args = {4, str("")};
  args[size_t(GetParam().flags_arg)] = AT_EMPTY_PATH;
  const auto call = enter(GetParam().call, args);
  const std::string_view name = GetParam().call;
  const bool fstat = name == "newfstatat" || name == "statx";
  ASSERT_EQ(call == nullptr, fstat) << "fstat in disguise is no event";
  if (fstat) return;
  const auto e = one<PathEvent>(leave(call, 0));
  EXPECT_EQ(e.at.file.path, "/f");
  EXPECT_EQ(e.at.path, "");
}
constexpr int kKeep = AT_SYMLINK_NOFOLLOW;
INSTANTIATE_TEST_SUITE_P(
    , AtFlags,
    ::testing::Values(AtFlag{"newfstatat", 3, "/d/l", kKeep}, AtFlag{"statx", 2, "/d/l", kKeep},
                      AtFlag{"faccessat2", 3, "/d/l", kKeep}, AtFlag{"fchownat", 4, "/d/l", kKeep},
                      AtFlag{"fchmodat2", 3, "/d/l", kKeep}, AtFlag{"utimensat", 3, "/d/l", kKeep},
                      AtFlag{"setxattrat", 2, "/d/l", kKeep},
                      AtFlag{"getxattrat", 2, "/d/l", kKeep},
                      AtFlag{"file_setattr", 4, "/d/l", kKeep},
                      AtFlag{"name_to_handle_at", 4, "/d/f", AT_SYMLINK_FOLLOW}),
    [](const auto& info) { return info.param.call; });

TEST_F(PathCalls, DescriptorFormsTellTheDescriptorsFile) {
  const std::pair<const char*, PathOp> calls[] = {{"fchmod", PathOp::kChmod},
                                                  {"fchown", PathOp::kChown},
                                                  {"fsetxattr", PathOp::kSetxattr},
                                                  {"fremovexattr", PathOp::kSetxattr},
                                                  {"quotactl_fd", PathOp::kStatfs}};
  for (const auto& [name, op] : calls) {
    const auto e = event(name, {4});
    EXPECT_EQ(e.op, op) << name;
    EXPECT_EQ(e.at.file, fs_.ref("/f")) << name;
    EXPECT_EQ(e.at.path, "") << name;
  }
  const auto e = event("fchdir", {3});
  EXPECT_EQ(e.op, PathOp::kChdir);
  EXPECT_EQ(e.at.file.path, "/d");
  EXPECT_EQ(event("fchown32", {4}, Abi::kI386).at.file.path, "/f");
}

TEST_F(PathCalls, NullPathOfUtimensatIsTheDescriptor) {
  EXPECT_EQ(event("utimensat", {4, 0, 0, 0}).at.file.path, "/f");
  EXPECT_EQ(event("futimesat", {4, 0, 0}).at.file.path, "/f");
  EXPECT_EQ(event("utimensat_time64", {4, 0, 0, 0}, Abi::kI386).at.file.path, "/f");
}

TEST_F(PathCalls, FstatInDisguiseIsNoEvent) {
  EXPECT_EQ(enter("newfstatat", {4, str(""), buf_, AT_EMPTY_PATH}), nullptr);
  EXPECT_EQ(enter("newfstatat", {4, 0, buf_, AT_EMPTY_PATH}), nullptr);
  EXPECT_EQ(enter("statx", {4, str(""), AT_EMPTY_PATH, 0, buf_}), nullptr);
  EXPECT_NE(enter("newfstatat", {4, str("/f"), buf_, AT_EMPTY_PATH}), nullptr);
  EXPECT_NE(enter("newfstatat", {4, str(""), buf_, 0}), nullptr) << "ENOENT";
}

TEST_F(PathCalls, StatsArePredicted) {
  EXPECT_EQ(predicted("stat", {str("/f"), buf_}), kSucceeded);
  EXPECT_EQ(predicted("lstat", {str("/d/l"), buf_}), kSucceeded);
  EXPECT_EQ(predicted("newfstatat", {3, str("f"), buf_, AT_NO_AUTOMOUNT}), kSucceeded);
  EXPECT_EQ(predicted("statx", {3, str("f"), 0x2000, 0, buf_}), kSucceeded);
  EXPECT_EQ(predicted("stat64", {str("/f"), buf_}, Abi::kI386), kSucceeded);
  EXPECT_EQ(predicted("statfs", {str("/f"), buf_}), kSucceeded);
  EXPECT_EQ(predicted("stat", {str("/nope"), buf_}), -ENOENT);
  EXPECT_EQ(predicted("stat", {str("/f/x"), buf_}), -ENOTDIR);
  EXPECT_EQ(predicted("stat", {str(""), buf_}), -ENOENT);
}

TEST_F(PathCalls, DoubtfulStatsAreNotPredicted) {
  EXPECT_EQ(predicted("stat", {str("/f"), 0}), std::nullopt) << "no buffer: EFAULT";
  EXPECT_EQ(predicted("newfstatat", {3, str("f"), buf_, 0x40000000}), std::nullopt) << "EINVAL";
  EXPECT_EQ(predicted("newfstatat", {3, str("x"), buf_, 0x40000000}), std::nullopt);
  EXPECT_EQ(predicted("stat", {str("/f"), buf_}, Abi::kI386), std::nullopt) << "EOVERFLOW";
  EXPECT_EQ(predicted("chmod", {str("/nope"), 0}), std::nullopt) << "not a question";
}

TEST_F(PathCalls, AccessIsPredictedWhereEverybodyIsAllowed) {
  fs_.file("/private", "", 0600);
  EXPECT_EQ(predicted("access", {str("/private"), F_OK}), kSucceeded);
  EXPECT_EQ(predicted("access", {str("/f"), R_OK}), kSucceeded);
  EXPECT_EQ(predicted("access", {str("/d"), R_OK | X_OK}), kSucceeded);
  EXPECT_EQ(predicted("access", {str("/nope"), R_OK}), -ENOENT);
  EXPECT_EQ(predicted("faccessat2", {3, str("f"), R_OK, AT_EACCESS}), kSucceeded);
  EXPECT_EQ(predicted("access", {str("/private"), R_OK}), std::nullopt);
  EXPECT_EQ(predicted("access", {str("/f"), W_OK}), std::nullopt);
  EXPECT_EQ(predicted("access", {str("/f"), X_OK}), std::nullopt);
  EXPECT_EQ(predicted("access", {str("/f"), 8}), std::nullopt);
}

TEST_F(PathCalls, AnswersAboutAttributesAreNoErrors) {
  fs_.file("/private", "", 0600);
  for (const int error : {ENODATA, ERANGE, EOPNOTSUPP})
    EXPECT_EQ(one<PathEvent>(run("lgetxattr", {str("/f"), str("user.x")}, -error)).error, 0);
  EXPECT_EQ(one<PathEvent>(run("lgetxattr", {str("/f"), str("user.x")}, -EACCES)).error, EACCES);
  EXPECT_EQ(predicted("getxattr", {str("/f"), str("user.x")}), kSucceeded);
  EXPECT_EQ(predicted("getxattr", {str("/f"), 0}), std::nullopt);
  EXPECT_EQ(predicted("getxattr", {str("/private"), str("user.x")}), std::nullopt);
  EXPECT_EQ(predicted("getxattr", {str("/nope"), str("user.x")}), -ENOENT);
}

TEST_F(PathCalls, ReadlinkTellsTheContentThatTheProgramGot) {
  task_.poke(buf_, "f");
  EXPECT_EQ(one<PathEvent>(run("readlink", {str("/d/l"), buf_, 100}, 1)).target, "f");
  task_.poke(buf_, "other");
  EXPECT_EQ(one<PathEvent>(run("readlinkat", {3, str("l"), buf_, 100}, 5)).target, "other");
}

TEST_F(PathCalls, ReadlinkIsPredicted) {
  EXPECT_EQ(predicted("readlink", {str("/d/l"), buf_, 100}), kSucceeded);
  EXPECT_EQ(one<PathEvent>(run("readlink", {str("/d/l"), buf_, 100}, kSucceeded)).target, "f");
  EXPECT_EQ(predicted("readlink", {str("/f"), buf_, 100}), -EINVAL);
  EXPECT_EQ(predicted("readlink", {str("/f"), buf_, 0}), std::nullopt);
  fs_.symlink("/proc/self", "1");
  EXPECT_EQ(predicted("readlink", {str("/proc/self"), buf_, 100}), std::nullopt);
}

TEST_F(PathCalls, ReadlinkatWithAnEmptyPathReadsTheDescriptorsLink) {
  task_.open(5, fs_.ref("/d/l"), O_PATH);
  task_.poke(buf_, "f");
  const auto e = one<PathEvent>(run("readlinkat", {5, str(""), buf_, 100}, 1));
  EXPECT_EQ(e.at.file.path, "/d/l");
  EXPECT_EQ(e.target, "f");
}

TEST_F(PathCalls, TruncateMayChangeTheFile) {
  EXPECT_EQ(changes("truncate", {str("/f"), 0}), std::vector<std::string>{"/f"});
  EXPECT_EQ(changes("truncate", {str("/f"), 10}), std::vector<std::string>{"/f+"});
  EXPECT_EQ(changes("truncate64", {str("/f"), 0, 1}, Abi::kI386), std::vector<std::string>{"/f+"});
  EXPECT_TRUE(changes("chmod", {str("/f"), 0}).empty());
}

TEST_F(PathCalls, WhatTheKernelFindsIsLookedForAgain) {
  const auto call = enter("stat", {str("/late"), buf_});
  fs_.file("/late");
  EXPECT_TRUE(one<PathEvent>(leave(call, 0)).at.file.exists());
}

TEST_F(PathCalls, WhatTheKernelDoesNotFindIsNotThere) {
  const auto e = one<PathEvent>(run("stat", {str("/f"), buf_}, -ENOENT));
  EXPECT_EQ(e.error, ENOENT);
  EXPECT_EQ(e.at.file.path, "/f");
  EXPECT_FALSE(e.at.file.exists());
}

TEST_F(PathCalls, WatchesAreQuestions) {
  const auto e = one<PathEvent>(run("inotify_add_watch", {9, str("/d/l"), 0}, 1));
  EXPECT_EQ(e.op, PathOp::kWatch);
  EXPECT_EQ(e.at.file.path, "/d/f");
  EXPECT_EQ(
      one<PathEvent>(run("inotify_add_watch", {9, str("/d/l"), IN_DONT_FOLLOW}, 1)).at.file.path,
      "/d/l");
  EXPECT_EQ(predicted("inotify_add_watch", {9, str("/nope"), 0}), -ENOENT);
  EXPECT_EQ(predicted("inotify_add_watch", {9, str("/f"), 0}), std::nullopt);
}

TEST_F(PathCalls, FanotifyMarkHasItsMaskInTwoRegistersOnI386) {
  EXPECT_EQ(event("fanotify_mark", {9, 1, 2, 3, str("f")}).at.file.path, "/d/f");
  EXPECT_EQ(event("fanotify_mark", {9, 1, 2, 0, 3, str("f")}, Abi::kI386).at.file.path, "/d/f");
  EXPECT_EQ(event("fanotify_mark", {9, 1, 2, 3, 0}).at.file.path, "/d");
  EXPECT_EQ(event("fanotify_mark", {9, 1 | 4, 2, 3, str("l")}).at.file.path, "/d/l");
}

TEST_F(PathCalls, QuotactlNamesADeviceOrAFile) {
  fs_.special("/dev/sda1", S_IFBLK);
  EXPECT_EQ(event("quotactl", {uint64_t{0x800007} << 8, str("/dev/sda1"), 0, 0}).at.file.path,
            "/dev/sda1");
  EXPECT_EQ(
      event("quotactl", {uint64_t{0x800002} << 8, str("/dev/sda1"), 0, str("/f")}).at.file.path,
      "/f");
  EXPECT_EQ(enter("quotactl", {uint64_t{0x800001} << 8, 0, 0, 0}), nullptr);
}

}  // namespace
}  // namespace fptrace
