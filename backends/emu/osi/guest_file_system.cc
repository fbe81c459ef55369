#include "backends/emu/osi/guest_file_system.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "backends/emu/osi/address_space.h"
#include "backends/emu/osi/kernel_list.h"
#include "backends/emu/osi/open_files.h"
#include "backends/emu/osi/page_cache.h"
#include "common/base/scanner.h"

namespace fptrace::emu {
namespace {

constexpr size_t kMostRead = 64 << 20;
constexpr size_t kMostLink = 4096;  // PATH_MAX

tl::unexpected<Error> unknown(const std::string& what, const std::string& path) {
  return fail(Errc::kUnsupported, what + path + ": the guest does not have it in memory");
}

std::string_view take_component(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
  const auto name = rest.substr(0, rest.find('/'));
  rest.remove_prefix(name.size());
  return name;
}

}  // namespace

std::string GuestFileSystem::type_of(uint64_t inode) const {
  const GuestKernel& kernel = names_.kernel();
  return names_.type_of_super_block(kernel.pointer(inode, kernel.layout().inode.sb));
}

// File systems that have their files in dentries and the page cache only: what these do not
// remember is not there.
bool GuestFileSystem::keeps_all_in_memory(uint64_t inode) const {
  const auto type = type_of(inode);
  return type == "tmpfs" || type == "ramfs" || type == "rootfs" || type == "devtmpfs";
}

Result<Place> GuestFileSystem::step(Place from, std::string_view name, const std::string& path) {
  const GuestKernel& kernel = names_.kernel();
  const auto& layout = kernel.layout();
  const uint64_t inode = kernel.pointer(from.dentry, layout.dentry.inode);
  const auto mode = kernel.number(inode, layout.inode.mode);
  if (!mode) return fail(Errc::kIo, "stat " + path, ENOENT);
  if (!S_ISDIR(*mode)) return fail(Errc::kIo, "stat " + path, ENOTDIR);
  const uint64_t dentry = dentries_.child(from.dentry, name);
  if (dentry != 0) return dentries_.covered({from.mount, dentry});
  const bool remembered = remembered_ != 0 && kernel.pointer(inode, layout.inode.sb) == remembered_;
  if (remembered || keeps_all_in_memory(inode)) return fail(Errc::kIo, "stat " + path, ENOENT);
  return unknown("stat ", path);
}

Result<Place> GuestFileSystem::find(const std::string& path) {
  Place at = dentries_.covered(start_);
  std::string_view rest = path;
  for (auto name = take_component(rest); !name.empty(); name = take_component(rest)) {
    auto next = step(at, name, path);
    if (!next) return next;
    at = *next;
  }
  if (!at) return unknown("stat ", path);
  return at;
}

Result<uint64_t> GuestFileSystem::inode_of(const std::string& path, Place place) const {
  const GuestKernel& kernel = names_.kernel();
  const uint64_t inode = kernel.pointer(place.dentry, kernel.layout().dentry.inode);
  if (inode == 0) return fail(Errc::kIo, "stat " + path, ENOENT);  // known not to be there
  return inode;
}

Result<FileRef> GuestFileSystem::lstat(const std::string& path) {
  const auto place = find(path);
  if (!place) {
    if (const auto made_up = proc_path(path)) return proc_file(*made_up, path);
    return fail(place.error());
  }
  const auto inode = inode_of(path, *place);
  if (!inode) return fail(inode.error());
  FileRef file = names_.properties(*place);
  if (!file.exists()) return unknown("stat ", path);
  file.path = path;
  file.source = source(*place);
  if (file.source == path) file.source.clear();  // mounted over itself
  // Numbers of devices are used again for other file systems.
  if (type_of(*inode) == "proc") {
    procfs_.insert(file.dev);
  } else if (!procfs_.empty()) {
    procfs_.erase(file.dev);
  }
  return file;
}

Result<std::string> GuestFileSystem::content(uint64_t inode, uint64_t offset, size_t size,
                                             const std::string& path) const {
  const GuestKernel& kernel = names_.kernel();
  const uint64_t file_size = kernel.number(inode, kernel.layout().inode.size).value_or(0);
  const uint64_t rest = offset < file_size ? file_size - offset : 0;
  std::string bytes(size_t(std::min<uint64_t>({size, kMostRead, rest})), '\0');
  const auto out = std::as_writable_bytes(std::span(bytes));
  if (PageCache(kernel).read(inode, offset, out, keeps_all_in_memory(inode)) != bytes.size())
    return unknown("read ", path);
  return bytes;
}

// Links of procfs have no content anywhere; these say what the kernel would.
Result<std::string> GuestFileSystem::proc_link(uint64_t dentry, uint64_t inode,
                                               const std::string& path) const {
  const GuestKernel& kernel = names_.kernel();
  const auto& p = kernel.layout().proc;
  const std::string name = names_.component(dentry);
  if (name == "self") return std::to_string(reader_.first);
  if (name == "thread-self")
    return std::to_string(reader_.first) + "/task/" + std::to_string(reader_.second);
  const uint64_t entry = p.inode ? kernel.pointer(inode - p.inode.offset, p.entry) : 0;
  const std::string target = kernel.text(kernel.pointer(entry, p.entry_data), kMostLink);
  if (target.empty()) return unknown("readlink ", path);
  return target;
}

std::optional<ProcPath> GuestFileSystem::proc_path(const std::string& path) {
  constexpr std::string_view kProc = "/proc/";
  if (!path.starts_with(kProc)) return std::nullopt;
  const auto root = find("/proc");
  const GuestKernel& kernel = names_.kernel();
  if (!root || type_of(kernel.pointer(root->dentry, kernel.layout().dentry.inode)) != "proc")
    return std::nullopt;
  return parse_proc_path(std::string_view(path).substr(kProc.size()));
}

uint64_t GuestFileSystem::task_of(const ProcPath& path) const {
  const GuestTasks tasks(names_.kernel());
  const uint64_t process = tasks.find_process(path.pid);
  return process != 0 && path.tid != 0 ? tasks.find_thread(process, path.tid) : process;
}

Place GuestFileSystem::target_of(const ProcPath& path) const {
  const GuestKernel& kernel = names_.kernel();
  const uint64_t task = task_of(path);
  if (task == 0) return {};
  switch (path.kind) {
    case ProcPath::Kind::kCwd:
      return names_.cwd_of(task);
    case ProcPath::Kind::kRoot:
      return names_.root_of(task);
    case ProcPath::Kind::kExe:
      return AddressSpace(names_, kernel.pointer(task, kernel.layout().task.mm)).executable();
    case ProcPath::Kind::kFd:
      return names_.place_of_file(OpenFiles(names_, task).file(path.fd));
    case ProcPath::Kind::kSelf:
    case ProcPath::Kind::kThreadSelf:
    case ProcPath::Kind::kDirectory:
      return {};
  }
  return {};
}

// The link of a descriptor says what that is open for (proc_fd_link(), tid_fd_update_inode()).
uint32_t GuestFileSystem::link_mode(const ProcPath& link) const {
  if (link.kind != ProcPath::Kind::kFd) return 0777;
  const uint32_t access = OpenFiles(names_, task_of(link)).flags(link.fd) & O_ACCMODE;
  const bool reads = access != O_WRONLY, writes = access == O_WRONLY || access == O_RDWR;
  return (reads ? 0500u : 0u) | (writes ? 0300u : 0u);
}

// The kernel would make its inode now, with a number that nobody can know.
Result<FileRef> GuestFileSystem::proc_file(const ProcPath& made_up, const std::string& path) {
  const bool own =
      made_up.kind == ProcPath::Kind::kSelf || made_up.kind == ProcPath::Kind::kThreadSelf;
  const bool there = own || (made_up.is_link() ? bool(target_of(made_up)) : task_of(made_up) != 0);
  if (!there) return fail(Errc::kIo, "stat " + path, ENOENT);
  auto file = lstat("/proc");
  if (!file) return file;
  file->path = path;
  file->mode = made_up.is_link() ? S_IFLNK | link_mode(made_up) : S_IFDIR | 0555u;
  file->ino = ~uint64_t{0};
  file->size = 0;
  return file;
}

Result<std::string> GuestFileSystem::readlink(const std::string& path) {
  const auto place = find(path);
  if (!place) {
    const auto made_up = proc_path(path);
    if (made_up && made_up->kind == ProcPath::Kind::kSelf) return std::to_string(reader_.first);
    if (made_up && made_up->kind == ProcPath::Kind::kThreadSelf)
      return std::to_string(reader_.first) + "/task/" + std::to_string(reader_.second);
    const auto target = made_up ? target_of(*made_up) : Place();
    const auto named = target ? names_.name(target) : std::nullopt;
    if (named) return named->path;
    return fail(place.error());
  }
  const auto inode = inode_of(path, *place);
  if (!inode) return fail(inode.error());
  const GuestKernel& kernel = names_.kernel();
  const auto& i = kernel.layout().inode;
  const auto mode = kernel.number(*inode, i.mode);
  if (!mode || !S_ISLNK(*mode)) return fail(Errc::kIo, "readlink " + path, EINVAL);
  if (const uint64_t link = kernel.pointer(*inode, i.link); link != 0) {
    std::string target = kernel.text(link, kMostLink);
    if (!target.empty()) return target;
  }
  if (type_of(*inode) == "proc") {
    if (auto magic = magic_place(path)) {
      const auto named = names_.name(*magic);
      if (named) return named->path;
    }
    return proc_link(place->dentry, *inode, path);
  }
  auto target = content(*inode, 0, kMostLink, path);
  if (target) target->resize(std::min(target->find('\0'), target->size()));
  return target;
}

Result<std::string> GuestFileSystem::read_head(const std::string& path, size_t size) {
  return read_at(path, 0, size);
}

Result<std::string> GuestFileSystem::read_at(const std::string& path, uint64_t offset,
                                             size_t size) {
  auto place = find(path);
  if (!place) place = magic_place(path);
  if (!place) return fail(place.error());
  const GuestKernel& kernel = names_.kernel();
  auto inode = inode_of(path, *place);
  if (!inode) return fail(inode.error());
  if (S_ISLNK(kernel.number(*inode, kernel.layout().inode.mode).value_or(0))) {
    place = magic_place(path);
    if (!place) return fail(place.error());
    inode = inode_of(path, *place);
    if (!inode) return fail(inode.error());
  }
  if (!S_ISREG(kernel.number(*inode, kernel.layout().inode.mode).value_or(0)))
    return fail(Errc::kIo, "read " + path, EINVAL);
  return content(*inode, offset, size, path);
}

Result<Place> GuestFileSystem::magic_place(const std::string& path) {
  const GuestKernel& kernel = names_.kernel();
  const auto link = find(path);
  if (!link) {
    const auto made_up = proc_path(path);
    const Place target = made_up ? target_of(*made_up) : Place();
    return target ? Result<Place>(target) : link;
  }
  const auto inode = inode_of(path, *link);
  if (!inode) return fail(inode.error());
  // Every inode below /proc/PID knows its process, in whatever pid namespace that number is.
  const auto& p = kernel.layout().proc;
  if (!p.inode || type_of(*inode) != "proc") return fail(Errc::kIo, "follow " + path, ENOENT);
  const uint64_t task = GuestTasks(kernel).of_pid(kernel.pointer(*inode - p.inode.offset, p.pid));
  if (task == 0) return fail(Errc::kIo, "follow " + path, ENOENT);
  const std::string name = names_.component(link->dentry);
  const uint64_t directory = kernel.pointer(link->dentry, kernel.layout().dentry.parent);
  Place target;
  int number = 0;
  Scanner digits(name);
  if (name == "cwd") {
    target = names_.cwd_of(task);
  } else if (name == "root") {
    target = names_.root_of(task);
  } else if (name == "exe") {
    target = AddressSpace(names_, kernel.pointer(task, kernel.layout().task.mm)).executable();
  } else if (names_.component(directory) == "fd" && digits.dec(number) && digits.rest().empty()) {
    target = names_.place_of_file(OpenFiles(names_, task).file(number));
  } else {
    return unknown("follow ", path);
  }
  if (!target) return fail(Errc::kIo, "follow " + path, ENOENT);
  return target;
}

Result<FileRef> GuestFileSystem::follow_magic(const std::string& path) {
  const auto place = magic_place(path);
  if (!place) return fail(place.error());
  auto found = file(*place);
  if (!found) return unknown("follow ", path);
  return found;
}

Result<FileRef> GuestFileSystem::file(Place place) {
  auto found = names_.file(place);
  if (!found || !found->exists()) return fail(Errc::kBackend, "a file of the guest leads nowhere");
  found->source = source(place);
  if (found->source == found->path) found->source.clear();
  return *std::move(found);
}

// What is seen through a mount of a part of a file system is in the whole of it, too: where that is
// mounted in the namespace that names count from.
std::string GuestFileSystem::source(Place place) {
  const GuestKernel& kernel = names_.kernel();
  const auto& m = kernel.layout().mount;
  const uint64_t sb = kernel.pointer(place.mount, m.sb);
  const uint64_t part = kernel.pointer(place.mount, m.root);
  if (const auto overlay = overlays_.find(sb); overlay != overlays_.end())
    return layer_source(place, overlay->second);
  if (part == kernel.pointer(sb, kernel.layout().sb.root)) return {};
  const uint64_t home = kernel.pointer(names_.root().mount, m.ns);
  std::string found;
  if (!kernel.layout().sb.mounts || !m.instance) return {};
  each_in_list(kernel, sb + kernel.layout().sb.mounts.offset, m.instance, [&](uint64_t other) {
    if (other == place.mount || kernel.pointer(other, m.ns) != home) return true;
    const Place there{other, place.dentry};
    if (!is_below(place.dentry, kernel.pointer(other, m.root))) return true;
    const auto named = names_.name(there);
    if (named && !named->deleted && is_visible(there)) found = named->path;
    return found.empty();
  });
  return found;
}

// An overlay gives its files inodes of its own: the name, the type and the size must do.
std::string GuestFileSystem::layer_source(Place place, const std::vector<Place>& layers) {
  const GuestKernel& kernel = names_.kernel();
  const auto& layout = kernel.layout();
  const FileRef seen = names_.properties(place);
  std::vector<std::string> names;
  for (CycleGuard<> guard; place.dentry != 0 && !guard.repeats(place.dentry);) {
    const uint64_t parent = kernel.pointer(place.dentry, layout.dentry.parent);
    if (parent == place.dentry) break;
    names.push_back(names_.component(place.dentry));
    place.dentry = parent;
  }
  for (Place at : layers) {
    for (auto name = names.rbegin(); name != names.rend() && at; ++name)
      at = dentries_.covered({at.mount, dentries_.child(at.dentry, *name)});
    const FileRef there = at ? names_.properties(at) : FileRef();
    const bool same = there.exists() && (there.mode & S_IFMT) == (seen.mode & S_IFMT) &&
                      (!S_ISREG(there.mode) || there.size == seen.size);
    const auto named = same ? names_.name(at) : std::nullopt;
    if (named && !named->deleted) return named->path;
  }
  return {};
}

bool GuestFileSystem::is_below(uint64_t dentry, uint64_t directory) const {
  const GuestKernel& kernel = names_.kernel();
  for (CycleGuard<> guard; dentry != 0 && !guard.repeats(dentry);) {
    if (dentry == directory) return true;
    const uint64_t parent = kernel.pointer(dentry, kernel.layout().dentry.parent);
    if (parent == dentry) return false;
    dentry = parent;
  }
  return false;
}

// Whether nothing is mounted over it or over a directory on its way.
bool GuestFileSystem::is_visible(Place place) const {
  const GuestKernel& kernel = names_.kernel();
  const auto& m = kernel.layout().mount;
  for (CycleGuard<Place> guard; place && !guard.repeats(place);) {
    if (dentries_.covered(place) != place) return false;
    while (place != names_.root() && place.dentry == kernel.pointer(place.mount, m.root)) {
      const uint64_t parent = kernel.pointer(place.mount, m.parent);
      if (parent == place.mount) return true;
      place = {parent, kernel.pointer(place.mount, m.mountpoint)};
      if (guard.repeats(place)) return false;
    }
    if (place == names_.root()) return true;
    place.dentry = kernel.pointer(place.dentry, kernel.layout().dentry.parent);
  }
  return false;
}

}  // namespace fptrace::emu
