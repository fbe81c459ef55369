#include "backends/ptrace/host_task.h"

#include <limits.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/base/unique_fd.h"
#include "common/proc/fdinfo.h"
#include "common/proc/maps.h"
#include "common/proc/text_file.h"

namespace fptrace::ptrace {
namespace {

constexpr uint64_t kPage = 4096;

// The mount namespace that a task is in, as its inode; 0 when it cannot be told.
uint64_t mount_namespace(const std::string& proc) {
  const auto ns = stat_file(proc + "ns/mnt", true);
  return ns ? ns->ino : 0;
}

// cmdline and environ: strings that each end in a NUL (proc(5)).
Result<std::vector<std::string>> read_strings(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) return fail(text.error());
  std::vector<std::string> strings;
  for (size_t begin = 0; begin < text->size();) {
    const size_t end = std::min(text->find('\0', begin), text->size());
    strings.emplace_back(*text, begin, end - begin);
    begin = end + 1;
  }
  return strings;
}

// Names in maps have their newlines as \012 (seq_path() in fs/seq_file.c), and nothing else so.
std::string mapped_name(std::string name) {
  constexpr std::string_view kNewline = "\\012", kDeleted = " (deleted)";
  for (size_t at = 0; (at = name.find(kNewline, at)) != std::string::npos; ++at)
    name.replace(at, kNewline.size(), "\n");
  if (name.ends_with(kDeleted)) name.resize(name.size() - kDeleted.size());
  if (name.starts_with("/memfd:")) name.erase(0, 1);
  return name;
}

uint32_t open_flags(const std::string& fdinfo) {
  const auto text = read_text_file(fdinfo);
  if (!text) return 0;
  const auto info = parse_fdinfo(*text);
  return info ? info->flags : 0;
}

}  // namespace

HostTask::HostTask(pid_t pid, pid_t tid)
    : pid_(pid),
      tid_(tid),
      // The short name is the leader's own; the kernel makes up each directory on the way anew.
      proc_("/proc/" + std::to_string(pid) + "/" +
            (pid == tid ? "" : "task/" + std::to_string(tid) + "/")) {}

void HostTask::inherit_file_system(const HostTask& parent) {
  if (!parent.file_system_ || !parent.file_system_->is_own_namespace()) return;
  file_system_ = std::make_unique<HostFileSystem>();
  root_ = parent.root_;
  if (keeps_cwd_) cwd_ = parent.cwd_;
}

size_t HostTask::read_memory(uint64_t addr, void* out, size_t size) {
  // One remote piece per page: a transfer stops at the first piece that cannot be read whole.
  std::array<iovec, 64> pages;
  size_t done = 0;
  while (done < size) {
    size_t count = 0, planned = 0;
    for (uint64_t at = addr + done; count < pages.size() && done + planned < size; ++count) {
      const size_t piece = std::min<size_t>(size - done - planned, kPage - at % kPage);
      pages[count] = {reinterpret_cast<void*>(at), piece};
      at += piece;
      planned += piece;
    }
    const iovec local{static_cast<char*>(out) + done, planned};
    const ssize_t n = ::process_vm_readv(tid_, &local, 1, pages.data(), count, 0);
    if (n <= 0) break;
    done += size_t(n);
    if (size_t(n) < planned) break;
  }
  return done;
}

Result<Registers> HostTask::registers() {
  user_regs_struct r{};
  if (::ptrace(PTRACE_GETREGS, tid_, nullptr, &r) < 0)
    return fail_errno("registers of task " + std::to_string(tid_));
  constexpr uint64_t kCodeOfI386 = 0x23;  // __USER32_CS
  if (r.cs == kCodeOfI386)
    return Registers{true, {r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi, r.rip}};
  return Registers{false,
                   {r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10,
                    r.r11, r.r12, r.r13, r.r14, r.r15, r.rip}};
}

Result<std::vector<MemoryRegion>> HostTask::memory_map() {
  auto mappings = read_maps(tid_);
  if (!mappings) return fail(mappings.error());
  std::vector<MemoryRegion> regions;
  regions.reserve(mappings->size());
  for (Mapping& m : *mappings)
    regions.push_back({m.begin, m.end, m.offset, makedev(m.dev_major, m.dev_minor), m.inode,
                       m.perms.size() > 2 && m.perms[2] == 'x', mapped_name(std::move(m.name))});
  return regions;
}

Result<FileRef> HostTask::descriptor_file(int fd) {
  auto file = magic_link_target(proc_ + "fd/" + std::to_string(fd));
  if (!file) return file;
  (void)file_system();
  file_system_->add_source(*file);
  return file;
}

Result<OpenFile> HostTask::descriptor(int fd) {
  auto file = descriptor_file(fd);
  if (!file) return fail(file.error());
  return OpenFile{*std::move(file), open_flags(proc_ + "fdinfo/" + std::to_string(fd))};
}

bool HostTask::may_read_descriptor(int fd) {
  // The permissions of the link are those of the description: proc(5), /proc/PID/fd.
  const auto link = stat_file(proc_ + "fd/" + std::to_string(fd), false);
  return link && (link->mode & S_IRUSR) != 0;
}

Result<FileRef> HostTask::cwd() {
  if (cwd_) {
    // It may have been renamed or mounted upon since.
    auto now = stat_file(cwd_->path, false);
    if (now && now->dev == cwd_->dev && now->ino == cwd_->ino) {
      now->path = cwd_->path;
      return now;
    }
    cwd_.reset();
  }
  auto cwd = magic_link_target(proc_ + "cwd");
  (void)file_system();
  if (keeps_cwd_ && cwd && cwd->path.starts_with('/') && file_system_->is_own_namespace())
    cwd_ = *cwd;
  return cwd;
}

Result<FileRef> HostTask::root() {
  (void)file_system();
  return root_;
}

FileSystem& HostTask::file_system() {
  if (!file_system_) {
    static const uint64_t own_namespace = mount_namespace("/proc/self/");
    auto root = magic_link_target(proc_ + "root");
    if (root) root_ = *std::move(root);
    if (root_.path.empty()) root_.path = "/";
    const uint64_t theirs = mount_namespace(proc_);
    if (theirs == own_namespace || theirs == 0)
      file_system_ = std::make_unique<HostFileSystem>();
    else
      file_system_ = std::make_unique<HostFileSystem>(tid_, root_.path);
    host_root_.clear();
    if (theirs == own_namespace || root_.path != "/") return *file_system_;
    const auto host = stat_file("/", false);
    const auto top = file_system_->lstat("/");
    if (host && top && (host->dev != top->dev || host->ino != top->ino)) host_root_ = top->source;
  }
  return *file_system_;
}

// True to what the task may do as long as it has the tracer's rights; the tracer knows when not.
std::optional<bool> HostTask::may_read(const FileRef& file) {
  (void)file_system();
  return file_system_->readable(file.path);
}

Result<SocketPeer> HostTask::socket_peer(int fd) {
  const UniqueFd pidfd(int(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!pidfd) return fail_errno("pidfd_open");
  const UniqueFd socket(int(::syscall(SYS_pidfd_getfd, pidfd.get(), fd, 0)));
  if (!socket) return fail_errno("pidfd_getfd");
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
    return fail_errno("SO_PEERCRED");
  const auto exe = magic_link_target("/proc/" + std::to_string(peer.pid) + "/exe");
  return SocketPeer{peer.pid, exe ? exe->path : ""};
}

Result<std::vector<std::string>> HostTask::argv() {
  return program_ ? program_->argv : read_strings(proc_ + "cmdline");
}
Result<std::vector<std::string>> HostTask::env() {
  return program_ ? program_->env : read_strings(proc_ + "environ");
}
void HostTask::read_new_program(uint64_t stack_pointer, bool narrow) {
  constexpr size_t kUsual = 16384;
  std::string bytes(kUsual, '\0');
  bytes.resize(read_memory(stack_pointer, bytes.data(), bytes.size()));
  program_ = parse_initial_stack(bytes, stack_pointer, narrow);
}
Result<FileRef> HostTask::exe() { return magic_link_target(proc_ + "exe"); }
std::optional<bool> HostTask::runs(const FileRef& program) {
  const auto now = stat_file(proc_ + "exe", true);
  if (!now) return std::nullopt;
  return now->dev == program.dev && now->ino == program.ino;
}

}  // namespace fptrace::ptrace
