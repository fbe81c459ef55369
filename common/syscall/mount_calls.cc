#include <fcntl.h>
#include <linux/limits.h>
#include <linux/mount.h>

#include "common/syscall/decoded_call.h"

// Calls that change what paths lead to for a whole namespace: MountEvent.

namespace fptrace {
namespace {

constexpr uint32_t kUmountNoFollow = 8;  // UMOUNT_NOFOLLOW of fs.h, which clashes with libc's

class MountCall : public DecodedCall {
 public:
  MountCall(std::string_view call, MountEvent event, NamedPath target)
      : call_(call), event_(std::move(event)), target_(std::move(target)) {}

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.ok()) scene.resolver.forget_directories();
    if (outcome.ok() && !target_.readable) {
      out.emplace_back(unreadable_path(call_));
      return;
    }
    MountEvent event = event_;
    event.target = target_.found.lookup;
    event.error = outcome.error;
    out.emplace_back(std::move(event));
  }

 private:
  std::string_view call_;
  MountEvent event_;
  NamedPath target_;
};

// fsopen, fsmount, setns, unshare: no path is named.
class NamelessMountCall : public DecodedCall {
 public:
  NamelessMountCall(MountEvent event, bool makes_mount)
      : event_(std::move(event)), makes_mount_(makes_mount) {}

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.ok()) scene.resolver.forget_directories();
    MountEvent event = event_;
    event.error = outcome.error;
    if (makes_mount_ && outcome.fd() >= 0)
      if (auto mount = scene.task.descriptor_file(outcome.fd())) event.target.file = *mount;
    out.emplace_back(std::move(event));
  }

 private:
  MountEvent event_;
  bool makes_mount_;
};

MountEvent mount_event(MountOp op, std::string source, std::string fstype, uint64_t flags) {
  MountEvent event;
  event.op = op;
  event.source = std::move(source);
  event.fstype = std::move(fstype);
  event.flags = flags;
  return event;
}

std::string optional_string(Scene scene, uint64_t addr) {
  return addr == 0 ? std::string() : read_string(scene.task, addr, PATH_MAX).text;
}

std::string descriptor_path(Scene scene, int fd) {
  const auto file = scene.task.descriptor_file(fd);
  return file ? file->path : std::string();
}

LastLink follow_unless(bool keep) { return keep ? LastLink::kKeep : LastLink::kFollow; }

std::unique_ptr<DecodedCall> enter_mount(Scene scene, const Arguments& args) {
  const uint64_t flags = args.word(3);
  auto event = mount_event(flags & MS_MOVE ? MountOp::kMove : MountOp::kMount,
                           optional_string(scene, args.word(0)),
                           optional_string(scene, args.word(2)), flags);
  return std::make_unique<MountCall>("mount", std::move(event),
                                     name_path(scene, AT_FDCWD, args.word(1), LastLink::kFollow));
}

std::unique_ptr<DecodedCall> enter_umount(Scene scene, const Arguments& args, uint32_t flags) {
  return std::make_unique<MountCall>(
      "umount", mount_event(MountOp::kUmount, "", "", flags),
      name_path(scene, AT_FDCWD, args.word(0), follow_unless(flags & kUmountNoFollow)));
}

std::unique_ptr<DecodedCall> enter_pivot_root(Scene scene, const Arguments& args) {
  return std::make_unique<MountCall>(
      "pivot_root", mount_event(MountOp::kPivotRoot, optional_string(scene, args.word(1)), "", 0),
      name_path(scene, AT_FDCWD, args.word(0), LastLink::kFollow));
}

// (from_dfd, from_path, to_dfd, to_path, flags): links are kept unless a flag says otherwise.
std::unique_ptr<DecodedCall> enter_move_mount(Scene scene, const Arguments& args) {
  const uint32_t flags = args.u32(4);
  std::string source = optional_string(scene, args.word(1));
  if (source.empty()) source = descriptor_path(scene, args.i32(0));
  return std::make_unique<MountCall>(
      "move_mount", mount_event(MountOp::kMove, std::move(source), "", flags),
      name_path(scene, args.i32(2), args.word(3), follow_unless(!(flags & MOVE_MOUNT_T_SYMLINKS)),
                flags & MOVE_MOUNT_T_EMPTY_PATH));
}

std::unique_ptr<DecodedCall> enter_fspick(Scene scene, const Arguments& args) {
  const uint32_t flags = args.u32(2);
  return std::make_unique<MountCall>(
      "fspick", mount_event(MountOp::kMount, "", "", MS_REMOUNT),
      name_path(scene, args.i32(0), args.word(1), follow_unless(flags & FSPICK_SYMLINK_NOFOLLOW),
                flags & FSPICK_EMPTY_PATH));
}

std::unique_ptr<DecodedCall> enter_mount_setattr(Scene scene, const Arguments& args) {
  const uint32_t flags = args.u32(2);
  return std::make_unique<MountCall>(
      "mount_setattr", mount_event(MountOp::kMount, "", "", MS_REMOUNT),
      name_path(scene, args.i32(0), args.word(1), follow_unless(flags & AT_SYMLINK_NOFOLLOW),
                flags & AT_EMPTY_PATH));
}

std::unique_ptr<DecodedCall> enter_fsopen(Scene scene, const Arguments& args) {
  return std::make_unique<NamelessMountCall>(
      mount_event(MountOp::kMount, "", optional_string(scene, args.word(0)), 0), false);
}

std::unique_ptr<DecodedCall> enter_fsmount(Scene scene, const Arguments& args) {
  return std::make_unique<NamelessMountCall>(
      mount_event(MountOp::kMount, descriptor_path(scene, args.i32(0)), "", args.u32(2)), true);
}

std::unique_ptr<DecodedCall> enter_setns(Scene scene, const Arguments& args) {
  return std::make_unique<NamelessMountCall>(
      mount_event(MountOp::kNamespace, descriptor_path(scene, args.i32(0)), "", args.u32(1)),
      false);
}

std::unique_ptr<DecodedCall> enter_unshare(Scene, const Arguments& args) {
  return std::make_unique<NamelessMountCall>(mount_event(MountOp::kNamespace, "", "", args.word(0)),
                                             false);
}

// A file that a mount under construction is told of (its device, an overlay's directory).
class MountOptionCall : public DecodedCall {
 public:
  explicit MountOptionCall(NamedPath path) : path_(std::move(path)) {}
  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    out.emplace_back(PathEvent{PathOp::kStat, settle(scene, path_, outcome), "", outcome.error});
  }

 private:
  NamedPath path_;
};

// fsconfig(fd, cmd, key, value, aux): some commands, and the key "source", name files.
std::unique_ptr<DecodedCall> enter_fsconfig(Scene scene, const Arguments& args) {
  const uint32_t command = args.u32(1);
  const bool is_path = command == FSCONFIG_SET_PATH || command == FSCONFIG_SET_PATH_EMPTY;
  const bool is_source =
      command == FSCONFIG_SET_STRING && read_string(scene.task, args.word(2), 16).text == "source";
  if (!is_path && !is_source) return nullptr;
  auto path = name_path(scene, is_path ? args.i32(4) : AT_FDCWD, args.word(3), LastLink::kFollow,
                        command == FSCONFIG_SET_PATH_EMPTY);
  // "tmpfs", "overlay": a source need not be a file.
  if (is_source && !path.exists()) return nullptr;
  return std::make_unique<MountOptionCall>(std::move(path));
}

}  // namespace

void add_mount_calls(Handlers& handlers) {
  handlers["mount"] = enter_mount;
  handlers["umount"] = [](Scene scene, const Arguments& args) {
    return enter_umount(scene, args, 0);
  };
  handlers["umount2"] = [](Scene scene, const Arguments& args) {
    return enter_umount(scene, args, args.u32(1));
  };
  handlers["pivot_root"] = enter_pivot_root;
  handlers["move_mount"] = enter_move_mount;
  handlers["fspick"] = enter_fspick;
  handlers["mount_setattr"] = enter_mount_setattr;
  handlers["fsopen"] = enter_fsopen;
  handlers["fsmount"] = enter_fsmount;
  handlers["fsconfig"] = enter_fsconfig;
  handlers["setns"] = enter_setns;
  handlers["unshare"] = enter_unshare;
}

}  // namespace fptrace
