#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "common/syscall/decoded_call.h"

// Calls that open: open, openat, openat2, creat, open_by_handle_at, open_tree, memfd_create; and
// those for which the kernel itself opens a file and keeps it (acct, swapon, uselib).

namespace fptrace {
namespace {

constexpr uint64_t kTmpfileBit = 020000000;  // O_TMPFILE without O_DIRECTORY
constexpr uint64_t kLargeFile = 0100000;     // O_LARGEFILE is 0 for 64-bit libcs
constexpr uint64_t kCreates = O_CREAT | kTmpfileBit;
// With these an open of an existing file succeeds or fails by rules that are known here.
constexpr uint64_t kPredictable =
    O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_PATH | kLargeFile;

struct OpenFlags {
  uint64_t flags = 0;
  uint64_t mode = 0;
  uint64_t resolve = 0;
  bool strict = false;  // openat2 and open_tree have more reasons to fail

  bool path_only() const { return flags & O_PATH; }
  bool writes() const { return !path_only() && (flags & O_ACCMODE) != O_RDONLY; }
  bool truncates() const { return !path_only() && (flags & O_TRUNC); }
  bool creates() const { return !path_only() && (flags & kCreates); }
  bool makes_unnamed() const { return !path_only() && (flags & kTmpfileBit); }
  // O_CREAT | O_EXCL wants a new name, so it does not look behind a link.
  LastLink last() const {
    const bool exclusive = (flags & O_CREAT) && (flags & O_EXCL) && !path_only();
    return exclusive || (flags & O_NOFOLLOW) ? LastLink::kKeep : LastLink::kFollow;
  }
};

bool everybody_may_read(const FileRef& file) { return (file.mode & 0444) == 0444; }

std::optional<int64_t> predict_open(TaskView& task, const NamedPath& path, const OpenFlags& open,
                                    Abi abi) {
  if (open.strict || !path.certain() || (open.flags & ~kPredictable) != 0) return std::nullopt;
  if (path.found.error != 0) return -path.found.error;
  const FileRef& file = path.file();
  const bool must_be_directory = open.flags & O_DIRECTORY;
  if (must_be_directory && !S_ISDIR(file.mode)) return -ENOTDIR;
  if (open.path_only()) return kSucceeded;
  if (S_ISLNK(file.mode)) return -ELOOP;
  if (!S_ISREG(file.mode) && !S_ISDIR(file.mode)) return std::nullopt;
  const bool too_large = abi == Abi::kI386 && !(open.flags & kLargeFile) && file.size > INT32_MAX;
  if (too_large) return std::nullopt;
  const bool readable = everybody_may_read(file) || task.may_read(file) == true;
  return readable ? std::optional<int64_t>(kSucceeded) : std::nullopt;
}

class OpenCall : public DecodedCall {
 public:
  OpenCall(std::string_view call, Scene scene, NamedPath path, OpenFlags open, Abi abi)
      : call_(call), path_(std::move(path)), open_(open) {
    const uint32_t type = path_.file().mode & S_IFMT;
    may_block(!open.path_only() && type != S_IFREG && type != S_IFDIR &&
              !(path_.certain() && path_.found.error != 0));
    if (open.writes() || open.truncates()) changes(path_.file(), !open.truncates());
    predict(predict_open(scene.task, path_, open, abi));
  }

  bool opens() const override { return true; }

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    OpenEvent event;
    event.flags = uint32_t(open_.flags);
    event.mode = open_.creates() ? uint32_t(open_.mode) : 0;
    event.fd = outcome.fd();
    event.error = outcome.error;
    const bool was_missing = path_.readable && path_.found.error == ENOENT;
    event.created = outcome.ok() && open_.creates() &&
                    (was_missing || open_.makes_unnamed() || (open_.flags & O_EXCL));
    if (event.fd < 0 || !take_opened(scene, event)) {
      if (outcome.ok() && !path_.readable) {
        out.emplace_back(unreadable_path(call_));
        return;
      }
      event.at = settle(scene, path_, outcome);
    }
    out.emplace_back(std::move(event));
  }

 private:
  // What the kernel opened is what the descriptor says; the lookup stands where it agrees, because
  // it shows the file as it was before.
  bool take_opened(Scene scene, OpenEvent& event) const {
    auto opened = scene.task.descriptor_file(event.fd);
    if (!opened) return false;
    event.at = path_.found.lookup;
    const FileRef& seen = event.at.file;
    const bool agrees =
        seen.exists() && seen.dev == opened->dev && seen.ino == opened->ino && !event.created;
    if (!agrees) event.at.file = *std::move(opened);
    return true;
  }

  std::string_view call_;
  NamedPath path_;
  OpenFlags open_;
};

std::unique_ptr<DecodedCall> enter_open(std::string_view call, Scene scene, const Arguments& args,
                                        int dirfd, uint64_t addr, OpenFlags open) {
  auto path = name_path(scene, dirfd, addr, open.last(), false, open.resolve);
  return std::make_unique<OpenCall>(call, scene, std::move(path), open, args.abi());
}

std::unique_ptr<DecodedCall> enter_openat2(Scene scene, const Arguments& args) {
  // openat2(2): a longer struct is a later version whose first fields are these.
  const auto how = read_object<open_how>(scene.task, args.word(2));
  OpenFlags open{0, 0, 0, true};
  if (how) open = {how->flags, how->mode, how->resolve, true};
  return enter_open("openat2", scene, args, args.i32(0), args.word(1), open);
}

// A descriptor that no lookup precedes: what it is shows only afterwards.
class NewDescriptorCall : public DecodedCall {
 public:
  NewDescriptorCall(std::string base, std::string name, uint32_t flags, bool makes)
      : base_(std::move(base)), name_(std::move(name)), flags_(flags), makes_(makes) {}

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    OpenEvent event;
    event.at.base = base_;
    event.at.file.path = name_;
    event.flags = flags_;
    event.fd = outcome.fd();
    event.error = outcome.error;
    event.created = makes_ && outcome.ok();
    if (event.fd >= 0)
      if (auto opened = scene.task.descriptor_file(event.fd)) event.at.file = *std::move(opened);
    out.emplace_back(std::move(event));
  }

 private:
  std::string base_;
  std::string name_;
  uint32_t flags_;
  bool makes_;
};

std::unique_ptr<DecodedCall> enter_open_by_handle(Scene scene, const Arguments& args) {
  const auto mount = scene.task.descriptor_file(args.i32(0));
  return std::make_unique<NewDescriptorCall>(mount ? mount->path : "", "", args.u32(2), false);
}

std::unique_ptr<DecodedCall> enter_memfd_create(Scene scene, const Arguments& args) {
  const auto name = read_string(scene.task, args.word(0), 256);
  return std::make_unique<NewDescriptorCall>("", "memfd:" + name.text, O_RDWR | O_CREAT, true);
}

std::unique_ptr<DecodedCall> enter_memfd_secret(Scene, const Arguments&) {
  return std::make_unique<NewDescriptorCall>("", "secretmem", O_RDWR | O_CREAT, true);
}

// The kernel opens the file for itself; the program gets no descriptor of it.
class KernelOpenCall : public DecodedCall {
 public:
  KernelOpenCall(std::string_view call, NamedPath path, uint32_t flags)
      : call_(call), path_(std::move(path)), flags_(flags) {
    if ((flags & O_ACCMODE) != O_RDONLY) changes(path_.file(), true);
  }

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.ok() && !path_.readable) {
      out.emplace_back(unreadable_path(call_));
      return;
    }
    OpenEvent event;
    event.at = settle(scene, path_, outcome);
    event.flags = flags_;
    event.error = outcome.error;
    out.emplace_back(std::move(event));
  }

 private:
  std::string_view call_;
  NamedPath path_;
  uint32_t flags_;
};

Handler kernel_open(std::string_view call, uint32_t flags) {
  return [call, flags](Scene scene, const Arguments& args) -> std::unique_ptr<DecodedCall> {
    if (args.word(0) == 0) return nullptr;  // acct: stop accounting
    return std::make_unique<KernelOpenCall>(
        call, name_path(scene, AT_FDCWD, args.word(0), LastLink::kFollow), flags);
  };
}

// A mount, or a copy of one, as a descriptor: what fspick and move_mount work on.
std::unique_ptr<DecodedCall> enter_open_tree(Scene scene, const Arguments& args) {
  const uint32_t flags = args.u32(2);
  const LastLink last = flags & AT_SYMLINK_NOFOLLOW ? LastLink::kKeep : LastLink::kFollow;
  auto path = name_path(scene, args.i32(0), args.word(1), last, flags & AT_EMPTY_PATH);
  return std::make_unique<OpenCall>("open_tree", scene, std::move(path),
                                    OpenFlags{O_PATH, 0, 0, true}, args.abi());
}

}  // namespace

void add_open_calls(Handlers& handlers) {
  handlers["open"] = [](Scene scene, const Arguments& args) {
    return enter_open("open", scene, args, AT_FDCWD, args.word(0),
                      {args.u32(1), args.u32(2), 0, false});
  };
  handlers["openat"] = [](Scene scene, const Arguments& args) {
    return enter_open("openat", scene, args, args.i32(0), args.word(1),
                      {args.u32(2), args.u32(3), 0, false});
  };
  handlers["creat"] = [](Scene scene, const Arguments& args) {
    return enter_open("creat", scene, args, AT_FDCWD, args.word(0),
                      {O_CREAT | O_WRONLY | O_TRUNC, args.u32(1), 0, false});
  };
  handlers["openat2"] = enter_openat2;
  handlers["open_by_handle_at"] = enter_open_by_handle;
  handlers["memfd_create"] = enter_memfd_create;
  handlers["memfd_secret"] = enter_memfd_secret;
  handlers["open_tree"] = handlers["open_tree_attr"] = enter_open_tree;
  handlers["acct"] = kernel_open("acct", O_WRONLY | O_APPEND);
  handlers["swapon"] = kernel_open("swapon", O_RDWR);
  handlers["swapoff"] = kernel_open("swapoff", O_RDONLY);
  handlers["uselib"] = kernel_open("uselib", O_RDONLY);
}

}  // namespace fptrace
