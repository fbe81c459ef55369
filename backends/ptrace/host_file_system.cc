#include "backends/ptrace/host_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <climits>
#include <memory>

#include "common/base/long_path.h"
#include "common/base/unique_fd.h"

namespace fptrace::ptrace {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

int64_t nanoseconds(const statx_timestamp& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; }

Result<FileRef> stat_at(int dir, const char* name, int flags) {
  struct statx st {};
  if (::statx(dir, name, flags | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_MNT_ID, &st) < 0)
    return fail_errno(std::string("stat ") + name);
  FileRef f;
  f.dev = makedev(st.stx_dev_major, st.stx_dev_minor);
  f.ino = st.stx_ino;
  f.mount = (st.stx_mask & STATX_MNT_ID) ? st.stx_mnt_id : 0;
  f.mode = st.stx_mode;
  f.nlink = st.stx_nlink;
  f.size = st.stx_size;
  f.mtime_ns = nanoseconds(st.stx_mtime);
  f.ctime_ns = nanoseconds(st.stx_ctime);
  return f;
}

Result<std::string> read_link_at(int dir, const char* name) {
  char buf[PATH_MAX];
  const ssize_t n = ::readlinkat(dir, name, buf, sizeof buf);
  if (n < 0) return fail_errno(std::string("readlink ") + name);
  return std::string(buf, size_t(n));
}

// The name under which `child` stands in `parent`.
Result<std::string> name_in(int parent, const FileRef& child) {
  const int copy = ::openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return fail_errno("open parent directory");
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(copy), &::closedir);
  while (const dirent* entry = ::readdir(dir.get())) {
    if (std::string_view(entry->d_name) == "..") continue;
    const auto st = stat_at(parent, entry->d_name, AT_SYMLINK_NOFOLLOW);
    if (st && st->ino == child.ino && st->dev == child.dev) return std::string(entry->d_name);
  }
  return fail(Errc::kIo, "no name in its directory", ENOENT);
}

// The kernel names no directory deeper than a page (d_path): climb until one has a name.
Result<std::string> path_by_climbing(const std::string& link) {
  UniqueFd at(::open(link.c_str(), O_PATH | O_CLOEXEC));
  if (!at) return fail_errno("open " + link);
  auto self = stat_at(at.get(), "", AT_EMPTY_PATH);
  std::string tail;
  while (self) {
    if (!S_ISDIR(self->mode)) return fail(Errc::kIo, "too deep: " + link, ENAMETOOLONG);
    UniqueFd parent(::openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!parent) return fail_errno("open parent of " + link);
    const auto name = name_in(parent.get(), *self);
    if (!name) return fail(name.error());
    tail.insert(0, "/" + *name);
    const auto path =
        read_link_at(AT_FDCWD, ("/proc/self/fd/" + std::to_string(parent.get())).c_str());
    if (path) return (*path == "/" ? "" : *path) + tail;
    at = std::move(parent);
    self = stat_at(at.get(), "", AT_EMPTY_PATH);
  }
  return fail(self.error());
}

// "/memfd:NAME" and "/dev/shm-like" kernel-internal names lose their slash: they are no paths.
std::string without_decoration(std::string path, const FileRef& file) {
  if (path.ends_with(kDeleted)) {
    const auto here = stat_at(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW);
    const bool really_named_so = here && here->dev == file.dev && here->ino == file.ino;
    if (!really_named_so) path.resize(path.size() - kDeleted.size());
  }
  if (path.starts_with("/memfd:")) path.erase(0, 1);
  return path;
}

}  // namespace

Result<FileRef> stat_file(const std::string& path, bool follow) {
  if (path.size() >= PATH_MAX) {
    const auto at = split_long_path(path);
    if (!at) return fail(at.error());
    return stat_at(at->fd(), at->rest.c_str(), follow ? 0 : AT_SYMLINK_NOFOLLOW);
  }
  return stat_at(AT_FDCWD, path.c_str(), follow ? 0 : AT_SYMLINK_NOFOLLOW);
}

Result<FileRef> magic_link_target(const std::string& link) {
  auto file = stat_file(link, true);
  if (!file) return file;
  auto path = read_link_at(AT_FDCWD, link.c_str());
  if (!path && path.error().sys == ENAMETOOLONG) path = path_by_climbing(link);
  if (!path) return fail(path.error());
  file->path = without_decoration(*std::move(path), *file);
  return file;
}

HostFileSystem::HostFileSystem() {
  // One for all tasks in our namespace: its mounts are the same for each of them.
  static const auto own_mounts = std::make_shared<MountTable>("/proc/self/mountinfo", "");
  mounts_ = own_mounts;
}

HostFileSystem::HostFileSystem(pid_t tid, std::string task_root)
    : prefix_("/proc/" + std::to_string(tid) + "/root"),
      task_root_(task_root == "/" ? std::string() : std::move(task_root)),
      mounts_(std::make_shared<MountTable>("/proc/" + std::to_string(tid) + "/mountinfo",
                                           task_root_)) {}

std::string HostFileSystem::reach(const std::string& path) const {
  if (prefix_.empty()) return path;
  const bool below = path.compare(0, task_root_.size(), task_root_) == 0;
  return prefix_ + (below ? path.substr(task_root_.size()) : path);
}

Result<FileRef> HostFileSystem::lstat(const std::string& path) {
  auto file = stat_file(prefix_.empty() ? path : reach(path), false);
  if (!file) return file;
  file->path = path;
  add_source(*file);
  return file;
}

Result<std::string> HostFileSystem::readlink(const std::string& path) {
  return read_link_at(AT_FDCWD, reach(path).c_str());
}

Result<std::string> HostFileSystem::read_head(const std::string& path, size_t size) {
  return read_at(path, 0, size);
}

Result<std::string> HostFileSystem::read_at(const std::string& path, uint64_t offset, size_t size) {
  // O_NONBLOCK: a FIFO in the place of a program must not stop the tracer.
  const UniqueFd fd(::open(reach(path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return fail_errno("open " + path);
  std::string bytes(size, '\0');
  const ssize_t n = ::pread(fd.get(), bytes.data(), size, off_t(offset));
  if (n < 0) return fail_errno("read " + path);
  bytes.resize(size_t(n));
  return bytes;
}

bool HostFileSystem::readable(const std::string& path) const {
  return ::faccessat(AT_FDCWD, reach(path).c_str(), R_OK, AT_EACCESS) == 0;
}

Result<FileRef> HostFileSystem::follow_magic(const std::string& path) {
  auto file = magic_link_target(reach(path));
  if (file) add_source(*file);
  return file;
}

bool HostFileSystem::is_procfs(uint64_t dev) const {
  // Every procfs instance has its own device: remember the last answer either way.
  static thread_local uint64_t known_procfs = 0;
  if (known_procfs == 0) {
    const auto proc = stat_file("/proc", true);
    if (proc) known_procfs = proc->dev;
  }
  if (dev == known_procfs) return true;
  if (prefix_.empty()) return false;
  struct statfs fs {};
  const auto proc = stat_file(prefix_ + "/proc", true);
  return proc && proc->dev == dev && ::statfs((prefix_ + "/proc").c_str(), &fs) == 0 &&
         fs.f_type == 0x9fa0 /* PROC_SUPER_MAGIC */;
}

}  // namespace fptrace::ptrace
