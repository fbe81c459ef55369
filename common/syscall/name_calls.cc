#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <sys/stat.h>

#include "common/syscall/decoded_call.h"

// Calls that make, move and remove names: mkdir, mknod, symlink, link, rename, unlink, rmdir, and
// BPF's pins.

namespace fptrace {
namespace {

// Makes a name that was not there.
class MakeCall : public DecodedCall {
 public:
  MakeCall(std::string_view call, PathOp op, NamedPath path, MemoryString target = {})
      : call_(call), op_(op), path_(std::move(path)), target_(std::move(target)) {}

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.ok() && !(path_.readable && target_.readable)) {
      out.emplace_back(unreadable_path(call_));
      return;
    }
    PathEvent event;
    event.op = op_;
    event.at = settle_made(scene, path_, outcome);
    event.target = target_.text;
    event.error = outcome.error;
    out.emplace_back(std::move(event));
  }

 private:
  std::string_view call_;
  PathOp op_;
  NamedPath path_;
  MemoryString target_;
};

class RemoveCall : public DecodedCall {
 public:
  RemoveCall(std::string_view call, PathOp op, NamedPath path)
      : call_(call), op_(op), path_(std::move(path)) {
    if (op == PathOp::kUnlink) changes(path_.file(), false);
  }

  void finish(Scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.ok() && !path_.readable) {
      out.emplace_back(unreadable_path(call_));
      return;
    }
    out.emplace_back(PathEvent{op_, path_.found.lookup, "", outcome.error});
  }

 private:
  std::string_view call_;
  PathOp op_;
  NamedPath path_;
};

class RenameCall : public DecodedCall {
 public:
  RenameCall(std::string_view call, RenameOp op, NamedPath from, NamedPath to)
      : call_(call), op_(op), from_(std::move(from)), to_(std::move(to)) {
    const bool same = from_.file().dev == to_.file().dev && from_.file().ino == to_.file().ino;
    if (op == RenameOp::kRename && !same) changes(to_.file(), false);
  }

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.ok() && !(from_.readable && to_.readable)) {
      out.emplace_back(unreadable_path(call_));
      return;
    }
    if (outcome.ok() && op_ != RenameOp::kLink && moves_paths())
      scene.resolver.forget_directories();
    out.emplace_back(RenameEvent{op_, from_.found.lookup, to_.found.lookup, outcome.error});
  }

 private:
  // Paths that lead through what moved lead elsewhere now.
  bool moves_paths() const {
    const auto leads_on = [](const FileRef& file) {
      return !file.exists() || S_ISDIR(file.mode) || S_ISLNK(file.mode);
    };
    return leads_on(from_.file()) || (op_ == RenameOp::kExchange && leads_on(to_.file()));
  }

  std::string_view call_;
  RenameOp op_;
  NamedPath from_, to_;
};

// Makers and removers by argument numbers.
struct NameCallRow {
  std::string_view name;
  PathOp op;
  int dirfd;  // -1: none
  int path;
};
constexpr NameCallRow kMakers[] = {
    {"mkdir", PathOp::kMkdir, -1, 0},     {"mkdirat", PathOp::kMkdir, 0, 1},
    {"mknod", PathOp::kMknod, -1, 0},     {"mknodat", PathOp::kMknod, 0, 1},
    {"symlink", PathOp::kSymlink, -1, 1}, {"symlinkat", PathOp::kSymlink, 1, 2}};
constexpr NameCallRow kRemovers[] = {{"rmdir", PathOp::kRmdir, -1, 0},
                                     {"unlink", PathOp::kUnlink, -1, 0},
                                     {"unlinkat", PathOp::kUnlink, 0, 1}};

NamedPath name_of_row(Scene scene, const NameCallRow& row, const Arguments& args) {
  const int dirfd = row.dirfd < 0 ? AT_FDCWD : args.i32(row.dirfd);
  return name_path(scene, dirfd, args.word(row.path), LastLink::kName);
}

std::unique_ptr<DecodedCall> enter_maker(const NameCallRow& row, Scene scene,
                                         const Arguments& args) {
  MemoryString target;
  if (row.op == PathOp::kSymlink) target = read_string(scene.task, args.word(0), PATH_MAX);
  return std::make_unique<MakeCall>(row.name, row.op, name_of_row(scene, row, args),
                                    std::move(target));
}

std::unique_ptr<DecodedCall> enter_remover(const NameCallRow& row, Scene scene,
                                           const Arguments& args) {
  const bool directory = row.name == "unlinkat" && (args.u32(2) & AT_REMOVEDIR);
  return std::make_unique<RemoveCall>(row.name, directory ? PathOp::kRmdir : row.op,
                                      name_of_row(scene, row, args));
}

// rename and link, with and without descriptors: (from, to) or (fd, from, fd, to, flags).
Handler rename_call(std::string_view name, bool has_fds, bool has_flags) {
  return [=](Scene scene, const Arguments& args) {
    const uint32_t flags = has_flags ? args.u32(4) : 0;
    const auto path = [&](int arg) {
      return has_fds ? name_path(scene, args.i32(arg), args.word(arg + 1), LastLink::kName)
                     : name_path(scene, AT_FDCWD, args.word(arg), LastLink::kName);
    };
    const auto op = flags & RENAME_EXCHANGE ? RenameOp::kExchange : RenameOp::kRename;
    return std::make_unique<RenameCall>(name, op, path(0), path(has_fds ? 2 : 1));
  };
}

std::unique_ptr<DecodedCall> enter_link(Scene scene, const Arguments& args) {
  return std::make_unique<RenameCall>("link", RenameOp::kLink,
                                      name_path(scene, AT_FDCWD, args.word(0), LastLink::kKeep),
                                      name_path(scene, AT_FDCWD, args.word(1), LastLink::kName));
}

std::unique_ptr<DecodedCall> enter_linkat(Scene scene, const Arguments& args) {
  const uint32_t flags = args.u32(4);
  const LastLink last = flags & AT_SYMLINK_FOLLOW ? LastLink::kFollow : LastLink::kKeep;
  return std::make_unique<RenameCall>(
      "linkat", RenameOp::kLink,
      name_path(scene, args.i32(0), args.word(1), last, flags & AT_EMPTY_PATH),
      name_path(scene, args.i32(2), args.word(3), LastLink::kName));
}

// bpf(BPF_OBJ_PIN, {pathname, bpf_fd, file_flags, path_fd}): a file that stands for the object.
class ObjectGetCall : public DecodedCall {
 public:
  explicit ObjectGetCall(NamedPath path) : path_(std::move(path)) {}
  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.ok() && !path_.readable) {
      out.emplace_back(unreadable_path("bpf"));
      return;
    }
    OpenEvent event;
    event.at = settle(scene, path_, outcome);
    event.flags = O_RDWR;
    event.fd = outcome.fd();
    event.error = outcome.error;
    out.emplace_back(std::move(event));
  }

 private:
  NamedPath path_;
};

std::unique_ptr<DecodedCall> enter_bpf(Scene scene, const Arguments& args) {
  // The part of union bpf_attr for these two commands. Its pointers are 64 bits wide everywhere.
  struct ObjectAttr {
    uint64_t pathname;
    uint32_t bpf_fd;
    uint32_t file_flags;
    int32_t path_fd;
  };
  constexpr uint32_t kPathFd = 1u << 14;  // BPF_F_PATH_FD, Linux 6.5
  ObjectAttr attr{};
  const size_t size = std::min<size_t>(args.u32(2), sizeof attr);
  if (scene.task.read_memory(args.word(1), &attr, size) != size) attr = {};
  const int dirfd = attr.file_flags & kPathFd ? attr.path_fd : AT_FDCWD;
  const bool pin = args.u32(0) == BPF_OBJ_PIN;
  auto path = name_path(scene, dirfd, attr.pathname, pin ? LastLink::kName : LastLink::kFollow);
  if (pin) return std::make_unique<MakeCall>("bpf", PathOp::kMknod, std::move(path));
  return std::make_unique<ObjectGetCall>(std::move(path));
}

}  // namespace

void add_name_calls(Handlers& handlers) {
  for (const NameCallRow& row : kMakers) {
    handlers[row.name] = [&row](Scene scene, const Arguments& args) {
      return enter_maker(row, scene, args);
    };
  }
  for (const NameCallRow& row : kRemovers) {
    handlers[row.name] = [&row](Scene scene, const Arguments& args) {
      return enter_remover(row, scene, args);
    };
  }
  handlers["rename"] = rename_call("rename", false, false);
  handlers["renameat"] = rename_call("renameat", true, false);
  handlers["renameat2"] = rename_call("renameat2", true, true);
  handlers["link"] = enter_link;
  handlers["linkat"] = enter_linkat;
  handlers["bpf"] = enter_bpf;
}

}  // namespace fptrace
