#include "backends/emu/osi/guest_names.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>

#include "backends/emu/osi/kernel_list.h"

namespace fptrace::emu {
namespace {

constexpr size_t kNameMax = 255;
constexpr size_t kMaxPath = 4 << 20;  // directories can be nested deeper than PATH_MAX

// Kernel-internal encoding of device numbers (include/linux/kdev_t.h) to that of stat(2).
uint64_t user_dev(uint64_t dev) { return makedev(uint32_t(dev >> 20), uint32_t(dev & 0xfffff)); }

}  // namespace

Place GuestNames::place(uint64_t object, Member mnt, Member dentry) const {
  const uint64_t vfsmount = kernel_->pointer(object, mnt);
  const uint64_t entry = kernel_->pointer(object, dentry);
  if (vfsmount == 0 || entry == 0) return {};
  return {vfsmount - kernel_->layout().mount.vfsmount.offset, entry};
}

Place GuestNames::root_of(uint64_t task) const {
  const auto& fs = kernel_->layout().fs;
  return place(kernel_->pointer(task, kernel_->layout().task.fs), fs.root_mnt, fs.root_dentry);
}

Place GuestNames::cwd_of(uint64_t task) const {
  const auto& fs = kernel_->layout().fs;
  return place(kernel_->pointer(task, kernel_->layout().task.fs), fs.pwd_mnt, fs.pwd_dentry);
}

Place GuestNames::place_of_file(uint64_t file) const {
  return place(file, kernel_->layout().file.mnt, kernel_->layout().file.dentry);
}

std::string GuestNames::component(uint64_t dentry) const {
  const auto& d = kernel_->layout().dentry;
  const auto length = kernel_->number(dentry, d.name_len);
  if (!length || *length > kNameMax) return {};
  std::string name(size_t(*length), '\0');
  const uint64_t at = kernel_->pointer(dentry, d.name);
  if (kernel_->read(at, std::as_writable_bytes(std::span(name))) != name.size()) return {};
  return name;
}

std::string GuestNames::type_of_super_block(uint64_t super_block) const {
  const auto& sb = kernel_->layout().sb;
  const uint64_t type = kernel_->pointer(super_block, sb.type);
  return kernel_->text(kernel_->pointer(type, sb.type_name), 64);
}

uint64_t GuestNames::dev_of(uint64_t super_block) const {
  return user_dev(kernel_->number(super_block, kernel_->layout().sb.dev).value_or(0));
}

// "mnt:[4026531841]". Until 6.8 the dentry, later the inode leads to the namespace.
std::string GuestNames::namespace_name(uint64_t dentry, uint64_t inode) const {
  const auto& layout = kernel_->layout();
  const std::string number =
      ":[" + std::to_string(kernel_->number(inode, layout.inode.ino).value_or(0)) + "]";
  uint64_t ops = kernel_->pointer(dentry, layout.dentry.fsdata);
  if (const uint64_t ns = kernel_->pointer(inode, layout.inode.private_data);
      ns != 0 && kernel_->number(ns, layout.ns.inum) == kernel_->number(inode, layout.inode.ino)) {
    ops = kernel_->pointer(ns, layout.ns.ops);
  }
  return kernel_->text(kernel_->pointer(ops, layout.ns.ops_name), 32) + number;
}

// Of a file that no directory has: the kernel makes up such names when asked (d_dname of
// include/linux/dcache.h, for pipefs, sockfs and so on). nullopt: it has an ordinary name.
std::optional<PlaceName> GuestNames::own_name(Place place, uint64_t inode) const {
  const auto& d = kernel_->layout().dentry;
  const uint64_t ops = kernel_->pointer(place.dentry, d.ops);
  if (ops == 0 || kernel_->pointer(ops, d.op_name) == 0) return std::nullopt;
  const bool is_root = kernel_->pointer(place.dentry, d.parent) == place.dentry;
  // A namespace that is mounted on a file.
  if (is_root && kernel_->pointer(place.mount, kernel_->layout().mount.root) == place.dentry)
    return std::nullopt;
  const std::string type = type_of_super_block(kernel_->pointer(place.dentry, d.sb));
  const std::string number =
      std::to_string(kernel_->number(inode, kernel_->layout().inode.ino).value_or(0));
  if (type == "pipefs") return PlaceName{"pipe:[" + number + "]"};
  if (type == "sockfs") return PlaceName{"socket:[" + number + "]"};
  if (type == "nsfs") return PlaceName{namespace_name(place.dentry, inode)};
  if (type == "pidfs") return PlaceName{"anon_inode:[pidfd]"};
  const std::string name = component(place.dentry);
  if (type == "anon_inodefs") return PlaceName{"anon_inode:" + name};
  // simple_dname() of fs/d_path.c. The slash before "memfd:" makes no path of it.
  if (name.starts_with("memfd:")) return PlaceName{name, true};
  return PlaceName{"/" + name, true};
}

std::optional<PlaceName> GuestNames::name(Place place) const {
  if (!place) return std::nullopt;
  const auto& d = kernel_->layout().dentry;
  const auto& m = kernel_->layout().mount;
  if (auto own = own_name(place, kernel_->pointer(place.dentry, d.inode))) return own;
  const uint64_t first_parent = kernel_->pointer(place.dentry, d.parent);
  PlaceName out;
  out.deleted = first_parent != place.dentry && kernel_->pointer(place.dentry, d.hash_pprev) == 0;
  std::string& reversed = out.path;
  for (CycleGuard<Place> guard; place != root_;) {
    if (guard.repeats(place) || reversed.size() > kMaxPath) return std::nullopt;
    if (place.dentry == kernel_->pointer(place.mount, m.root)) {
      const uint64_t parent = kernel_->pointer(place.mount, m.parent);
      if (parent == place.mount) break;  // the top of its tree, or not mounted any more
      place = {parent, kernel_->pointer(place.mount, m.mountpoint)};
      if (!place) return std::nullopt;
      continue;
    }
    const uint64_t parent = kernel_->pointer(place.dentry, d.parent);
    if (parent == 0) return std::nullopt;
    if (parent == place.dentry) break;  // the root of a file system of which a part is mounted
    const std::string name = component(place.dentry);
    if (name.empty()) return std::nullopt;
    reversed.append(name.rbegin(), name.rend()).append(1, '/');
    place.dentry = parent;
  }
  std::ranges::reverse(reversed);
  if (out.path.empty()) out.path = "/";
  return out;
}

int64_t GuestNames::time(uint64_t inode, Member whole, Member sec, Member nsec) const {
  const auto& layout = kernel_->layout();
  uint64_t seconds = 0, nanoseconds = 0;
  if (whole) {
    seconds = kernel_->number(inode + whole.offset, layout.timespec_sec).value_or(0);
    nanoseconds = kernel_->number(inode + whole.offset, layout.timespec_nsec).value_or(0);
  } else {
    seconds = kernel_->number(inode, sec).value_or(0);
    // The highest bit says that somebody has looked since (I_CTIME_QUERIED, 6.13).
    nanoseconds = kernel_->number(inode, nsec).value_or(0) & 0x7fffffff;
  }
  return int64_t(seconds * 1'000'000'000 + nanoseconds);
}

FileRef GuestNames::properties(uint64_t inode) const {
  FileRef f;
  const auto& i = kernel_->layout().inode;
  const auto mode = kernel_->number(inode, i.mode);
  if (!mode) return f;
  f.mode = uint32_t(*mode);
  f.ino = kernel_->number(inode, i.ino).value_or(0);
  f.dev = dev_of(kernel_->pointer(inode, i.sb));
  f.nlink = uint32_t(kernel_->number(inode, i.nlink).value_or(0));
  f.size = kernel_->number(inode, i.size).value_or(0);
  f.mtime_ns = time(inode, i.mtime, i.mtime_sec, i.mtime_nsec);
  f.ctime_ns = time(inode, i.ctime, i.ctime_sec, i.ctime_nsec);
  return f;
}

FileRef GuestNames::properties(Place place) const {
  FileRef f = properties(kernel_->pointer(place.dentry, kernel_->layout().dentry.inode));
  if (f.exists()) f.mount = kernel_->number(place.mount, kernel_->layout().mount.id).value_or(0);
  return f;
}

std::optional<FileRef> GuestNames::file(Place place) const {
  auto named = name(place);
  if (!named) return std::nullopt;
  FileRef f = properties(place);
  f.path = std::move(named->path);
  // stat(2) shows no type for these, whatever the inode has (fs/anon_inodes.c, fs/pidfs.c).
  if (f.path.starts_with("anon_inode:")) f.mode &= ~uint32_t(S_IFMT);
  return f;
}

}  // namespace fptrace::emu
