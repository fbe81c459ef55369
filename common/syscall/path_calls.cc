#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/quota.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/syscall/decoded_call.h"

// Calls on one path, or on one descriptor, that open nothing: PathEvent.

namespace fptrace {
namespace {

// How a call names its file, by argument numbers; kNo: it has no such argument.
constexpr int8_t kNo = -1;
struct PathCallRow {
  std::string_view name;
  PathOp op;
  int8_t dirfd = kNo;  // without a path: the descriptor that the call works on
  int8_t path = kNo;
  int8_t flags = kNo;  // AT_*
  int8_t extra = kNo;  // what predict() needs: stat's buffer, access' mode, readlink's size
  LastLink last = LastLink::kFollow;
  bool null_is_dirfd = false;  // a null path means the descriptor, whatever the flags
};

constexpr PathCallRow kRows[] = {
    // name, op, dirfd, path, flags, extra, last, null_is_dirfd
    {"stat", PathOp::kStat, kNo, 0, kNo, 1},
    {"stat64", PathOp::kStat, kNo, 0, kNo, 1},
    {"oldstat", PathOp::kStat, kNo, 0, kNo, 1},
    {"lstat", PathOp::kStat, kNo, 0, kNo, 1, LastLink::kKeep},
    {"lstat64", PathOp::kStat, kNo, 0, kNo, 1, LastLink::kKeep},
    {"oldlstat", PathOp::kStat, kNo, 0, kNo, 1, LastLink::kKeep},
    {"newfstatat", PathOp::kStat, 0, 1, 3, 2},
    {"fstatat64", PathOp::kStat, 0, 1, 3, 2},
    {"statx", PathOp::kStat, 0, 1, 2, 4},
    {"file_getattr", PathOp::kStat, 0, 1, 4},
    {"access", PathOp::kAccess, kNo, 0, kNo, 1},
    {"faccessat", PathOp::kAccess, 0, 1, kNo, 2},
    {"faccessat2", PathOp::kAccess, 0, 1, 3, 2},
    {"readlink", PathOp::kReadlink, kNo, 0, kNo, 2, LastLink::kKeep},
    {"readlinkat", PathOp::kReadlink, 0, 1, kNo, 3, LastLink::kKeep},
    {"statfs", PathOp::kStatfs, kNo, 0, kNo, 1},
    {"statfs64", PathOp::kStatfs, kNo, 0, kNo, 2},
    {"getxattr", PathOp::kGetxattr, kNo, 0},
    {"lgetxattr", PathOp::kGetxattr, kNo, 0, kNo, kNo, LastLink::kKeep},
    {"getxattrat", PathOp::kGetxattr, 0, 1, 2},
    {"listxattr", PathOp::kGetxattr, kNo, 0},
    {"llistxattr", PathOp::kGetxattr, kNo, 0, kNo, kNo, LastLink::kKeep},
    {"listxattrat", PathOp::kGetxattr, 0, 1, 2},
    {"name_to_handle_at", PathOp::kHandle, 0, 1, 4, kNo, LastLink::kKeep},
    {"chdir", PathOp::kChdir, kNo, 0},
    {"fchdir", PathOp::kChdir, 0},
    {"chroot", PathOp::kChroot, kNo, 0},
    {"chmod", PathOp::kChmod, kNo, 0},
    {"fchmod", PathOp::kChmod, 0},
    {"fchmodat", PathOp::kChmod, 0, 1},
    {"fchmodat2", PathOp::kChmod, 0, 1, 3},
    {"file_setattr", PathOp::kChmod, 0, 1, 4},
    {"chown", PathOp::kChown, kNo, 0},
    {"chown32", PathOp::kChown, kNo, 0},
    {"lchown", PathOp::kChown, kNo, 0, kNo, kNo, LastLink::kKeep},
    {"lchown32", PathOp::kChown, kNo, 0, kNo, kNo, LastLink::kKeep},
    {"fchown", PathOp::kChown, 0},
    {"fchown32", PathOp::kChown, 0},
    {"fchownat", PathOp::kChown, 0, 1, 4},
    {"utime", PathOp::kUtime, kNo, 0},
    {"utimes", PathOp::kUtime, kNo, 0},
    {"futimesat", PathOp::kUtime, 0, 1, kNo, kNo, LastLink::kFollow, true},
    {"utimensat", PathOp::kUtime, 0, 1, 3, kNo, LastLink::kFollow, true},
    {"utimensat_time64", PathOp::kUtime, 0, 1, 3, kNo, LastLink::kFollow, true},
    {"setxattr", PathOp::kSetxattr, kNo, 0},
    {"lsetxattr", PathOp::kSetxattr, kNo, 0, kNo, kNo, LastLink::kKeep},
    {"fsetxattr", PathOp::kSetxattr, 0},
    {"setxattrat", PathOp::kSetxattr, 0, 1, 2},
    {"removexattr", PathOp::kSetxattr, kNo, 0},
    {"lremovexattr", PathOp::kSetxattr, kNo, 0, kNo, kNo, LastLink::kKeep},
    {"fremovexattr", PathOp::kSetxattr, 0},
    {"removexattrat", PathOp::kSetxattr, 0, 1, 2},
    {"quotactl_fd", PathOp::kStatfs, 0},
};

constexpr uint32_t kStatxSync = 0x6000;  // AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC
constexpr uint32_t kKnownFlags = AT_SYMLINK_NOFOLLOW | AT_SYMLINK_FOLLOW | AT_NO_AUTOMOUNT |
                                 AT_EMPTY_PATH | AT_EACCESS | kStatxSync;
constexpr uint64_t kLowestAddress = 4096;  // below it nothing is ever mapped (mmap_min_addr)

bool allows_everybody(const FileRef& file, uint32_t bits) {
  const uint32_t wanted = bits * 0111;
  return (file.mode & wanted) == wanted;
}

// What the call will answer about a file that is there; see PendingCall::predicted.
std::optional<int64_t> predict_found(const PathCallRow& row, const Arguments& args,
                                     const NamedPath& path) {
  const FileRef& file = path.file();
  switch (row.op) {
    case PathOp::kStat:
    case PathOp::kStatfs: {
      // i386's older structures have fields that a large file system overflows.
      const bool small =
          args.abi() == Abi::kI386 && !row.name.ends_with("64") && row.name != "statx";
      if (row.extra == kNo || small || args.word(row.extra) < kLowestAddress) break;
      return kSucceeded;
    }
    case PathOp::kAccess: {
      const uint32_t mode = args.u32(row.extra);
      // Write access depends on the mount too, and so does execution of a file.
      if ((mode & ~uint32_t{R_OK | X_OK}) != 0) break;
      if ((mode & X_OK) && !S_ISDIR(file.mode)) break;
      if (allows_everybody(file, mode)) return kSucceeded;
      break;
    }
    case PathOp::kReadlink:
      if (path.request.path.empty() || args.i32(row.extra) <= 0) break;
      return S_ISLNK(file.mode) ? kSucceeded : -EINVAL;
    case PathOp::kGetxattr:
      // Attributes of the user's own need read permission (xattr(7)).
      if (!allows_everybody(file, R_OK) || args.word(row.path + 1) < kLowestAddress) break;
      return kSucceeded;
    default:
      break;
  }
  return std::nullopt;
}

// What getxattr says about the attribute when it has found the file.
bool is_about_attribute(int error) {
  return error == ENODATA || error == ERANGE || error == E2BIG || error == EOPNOTSUPP;
}

std::optional<int64_t> predict_missing(const NamedPath& path) {
  if (!path.certain() || path.found.error == 0) return std::nullopt;
  return -path.found.error;
}

std::optional<int64_t> predict(const PathCallRow& row, const Arguments& args,
                               const NamedPath& path) {
  if (!only_asks(row.op) || !path.certain()) return std::nullopt;
  // Arguments are checked before paths are looked up.
  const bool odd = row.flags != kNo && (args.u32(row.flags) & ~kKnownFlags) != 0;
  if (odd) return std::nullopt;
  return path.found.error != 0 ? predict_missing(path) : predict_found(row, args, path);
}

class PathCall : public DecodedCall {
 public:
  PathCall(std::string_view call, PathOp op, NamedPath path)
      : call_(call), op_(op), path_(std::move(path)) {}

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.ok() && !path_.readable) {
      // Of an fstat some kernels do not even look whether the path is empty. Were it not, they
      // would have had to read it. See is_fstat().
      const bool fstat =
          op_ == PathOp::kStat && path_.request.empty_is_dirfd && path_.request.dirfd >= 0;
      if (!fstat) out.emplace_back(unreadable_path(call_));
      return;
    }
    PathEvent event;
    event.op = op_;
    event.at = settle(scene, path_, outcome);
    const bool answered = op_ == PathOp::kGetxattr && is_about_attribute(outcome.error);
    event.error = answered ? 0 : outcome.error;
    if (op_ == PathOp::kReadlink && outcome.ok()) event.target = link_content(scene, outcome);
    out.emplace_back(std::move(event));
  }

  // Says where the kernel puts the content of a link.
  void set_buffer(uint64_t addr) { buffer_ = addr; }
  using DecodedCall::changes;
  using DecodedCall::predict;

 private:
  // As the program got it: links of procfs say something else to everyone who reads them.
  std::string link_content(Scene scene, const Outcome& outcome) const {
    if (!outcome.known) {
      auto content = scene.task.file_system().readlink(path_.file().path);
      return content ? *std::move(content) : "";
    }
    std::string content(std::min<uint64_t>(outcome.value, 65536), '\0');
    content.resize(scene.task.read_memory(buffer_, content.data(), content.size()));
    return content;
  }

  std::string_view call_;
  PathOp op_;
  NamedPath path_;
  uint64_t buffer_ = 0;
};

NamedPath name_of_row(Scene scene, const PathCallRow& row, const Arguments& args) {
  const int dirfd = row.dirfd == kNo ? AT_FDCWD : args.i32(row.dirfd);
  if (row.path == kNo) return name_descriptor(scene, dirfd);
  const uint32_t flags = row.flags == kNo ? 0 : args.u32(row.flags);
  const uint64_t addr = args.word(row.path);
  if (row.null_is_dirfd && addr == 0) return name_descriptor(scene, dirfd);
  LastLink last = row.last;
  if (flags & AT_SYMLINK_NOFOLLOW) last = LastLink::kKeep;
  if (flags & AT_SYMLINK_FOLLOW) last = LastLink::kFollow;
  // readlinkat(2): an empty path means the link that an O_PATH descriptor stands for.
  const bool empty_is_dirfd = (flags & AT_EMPTY_PATH) || row.name == "readlinkat";
  return name_path(scene, dirfd, addr, last, empty_is_dirfd);
}

// How libc spells fstat(fd): about a file whose open was the event.
bool is_fstat(TaskView& task, const PathCallRow& row, const Arguments& args) {
  if (row.flags == kNo || !(args.u32(row.flags) & AT_EMPTY_PATH)) return false;
  if (args.i32(row.dirfd) == AT_FDCWD) return false;
  const uint64_t addr = args.word(row.path);
  return addr == 0 || read_object<char>(task, addr) == '\0';
}

std::unique_ptr<DecodedCall> enter_row(const PathCallRow& row, Scene scene, const Arguments& args) {
  if (row.op == PathOp::kStat && is_fstat(scene.task, row, args)) return nullptr;
  auto path = name_of_row(scene, row, args);
  const auto predicted = predict(row, args, path);
  auto call = std::make_unique<PathCall>(row.name, row.op, std::move(path));
  call->predict(predicted);
  // readlink and readlinkat: the buffer stands before its size.
  if (row.op == PathOp::kReadlink) call->set_buffer(args.word(row.extra - 1));
  return call;
}

Handler truncate(std::string_view name) {
  return [name](Scene scene, const Arguments& args) {
    // truncate64 of i386 has the length in two registers.
    const bool to_nothing = args.word(1) == 0 && (name == "truncate" || args.word(2) == 0);
    auto path = name_path(scene, AT_FDCWD, args.word(0), LastLink::kFollow);
    const FileRef file = path.file();
    auto call = std::make_unique<PathCall>(name, PathOp::kTruncate, std::move(path));
    call->changes(file, !to_nothing);
    return call;
  };
}

std::unique_ptr<DecodedCall> enter_inotify_add_watch(Scene scene, const Arguments& args) {
  const LastLink last = args.u32(2) & IN_DONT_FOLLOW ? LastLink::kKeep : LastLink::kFollow;
  auto path = name_path(scene, AT_FDCWD, args.word(1), last);
  const auto predicted = predict_missing(path);
  auto call = std::make_unique<PathCall>("inotify_add_watch", PathOp::kWatch, std::move(path));
  call->predict(predicted);
  return call;
}

std::unique_ptr<DecodedCall> enter_fanotify_mark(Scene scene, const Arguments& args) {
  // (fd, flags, mask, dirfd, path); i386 passes the 64-bit mask in two registers.
  const int dirfd = args.abi() == Abi::kI386 ? 4 : 3;
  const uint32_t flags = args.u32(1);
  if (flags & FAN_MARK_FLUSH) return nullptr;  // takes no path
  const LastLink last = flags & FAN_MARK_DONT_FOLLOW ? LastLink::kKeep : LastLink::kFollow;
  auto path = args.word(dirfd + 1) == 0
                  ? name_descriptor(scene, args.i32(dirfd))
                  : name_path(scene, args.i32(dirfd), args.word(dirfd + 1), last);
  return std::make_unique<PathCall>("fanotify_mark", PathOp::kWatch, std::move(path));
}

// quotactl(cmd, special, id, addr) names the device; Q_QUOTAON's quota file is at addr.
std::unique_ptr<DecodedCall> enter_quotactl(Scene scene, const Arguments& args) {
  const bool names_file = (args.u32(0) >> SUBCMDSHIFT) == (Q_QUOTAON & 0xffffff);
  const uint64_t addr = args.word(names_file ? 3 : 1);
  if (addr == 0) return nullptr;  // Q_SYNC of everything
  return std::make_unique<PathCall>("quotactl", PathOp::kStatfs,
                                    name_path(scene, AT_FDCWD, addr, LastLink::kFollow));
}

}  // namespace

void add_path_calls(Handlers& handlers) {
  for (const PathCallRow& row : kRows) {
    handlers[row.name] = [&row](Scene scene, const Arguments& args) {
      return enter_row(row, scene, args);
    };
  }
  handlers["truncate"] = truncate("truncate");
  handlers["truncate64"] = truncate("truncate64");
  handlers["inotify_add_watch"] = enter_inotify_add_watch;
  handlers["fanotify_mark"] = enter_fanotify_mark;
  handlers["quotactl"] = enter_quotactl;
}

}  // namespace fptrace
