#include "backends/emu/recording/collection.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <memory>
#include <set>

#include "backends/emu/recording/disk_image.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;
using pack::PackEntry;

constexpr int kMaxLinks = 40;  // MAXSYMLINKS, include/linux/namei.h

bool is_below(const std::string& path, const char* directory) {
  const std::string_view d = directory;
  return path.starts_with(d) && (path.size() == d.size() || path[d.size()] == '/');
}

// A path may be longer than the kernel takes: it is walked in pieces that are not. The last name is
// left to the caller, with the directory (AT_FDCWD: none is needed).
struct Reach {
  UniqueFd directory;
  std::string name;
  int fd() const { return directory ? directory.get() : AT_FDCWD; }
};

Reach reach(const std::string& path) {
  constexpr size_t kPiece = PATH_MAX - 256;
  Reach at{{}, path};
  while (at.name.size() > kPiece) {
    const size_t cut = at.name.rfind('/', kPiece);
    if (cut == std::string::npos || cut == 0) break;
    UniqueFd next(::openat(at.fd(), at.name.substr(0, cut).c_str(),
                           O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (!next) break;
    at.directory = std::move(next);
    at.name.erase(0, cut + 1);
  }
  return at;
}

bool is_within(const std::string& path, Collection::Limit limit) {
  size_t files = 0;
  uint64_t bytes = 0;
  std::error_code error;
  fs::recursive_directory_iterator entries(path, fs::directory_options::skip_permission_denied,
                                           error),
      end;
  for (; !error && entries != end; entries.increment(error)) {
    std::error_code gone;
    ++files;
    if (!entries->is_symlink(gone) && entries->is_regular_file(gone)) {
      const auto size = entries->file_size(gone);
      if (!gone) bytes += size;
    }
    if (files > limit.files || bytes > limit.bytes) return false;
  }
  return true;
}

FileMeta meta_of(const PackEntry& e) {
  FileMeta meta{e.mode, e.uid, e.gid, e.mtime, 0, e.xattrs};
  struct stat st {};
  const Reach at = reach(e.path);
  if (::fstatat(at.fd(), at.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      st.st_mtim.tv_sec == e.mtime)
    meta.mtime_ns = uint32_t(st.st_mtim.tv_nsec);
  return meta;
}

Result<void> write_host_file(DiskImage& disk, const PackEntry& e, const FileMeta& meta) {
  const Reach at = reach(e.source);
  const UniqueFd fd(::openat(at.fd(), at.name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};  // it went meanwhile, as it might for the program, too
  if (!fd) return fail_errno("open " + e.source);
  return disk.file(e.path, meta, e.size, [&](uint64_t offset, char* out, size_t size) {
    const ssize_t n = ::pread(fd.get(), out, size, off_t(offset));
    return n >= 0 ? Result<size_t>(size_t(n)) : fail_errno("read " + e.source);
  });
}

Result<void> write_entry(DiskImage& disk, const PackEntry& e) {
  const FileMeta meta = meta_of(e);
  if (e.type == FileType::kDirectory) return disk.directory(e.path, meta);
  if (e.type == FileType::kSymlink) return disk.symlink(e.path, meta, e.target);
  if (!e.hard_link.empty()) return disk.hard_link(e.path, e.hard_link);
  switch (e.content) {
    case PackEntry::Content::kHole:
      return disk.file(e.path, meta, e.size,
                       [](uint64_t, char*, size_t) { return Result<size_t>(0); });
    case PackEntry::Content::kLiteral:
      return disk.file(e.path, meta, e.source.size(), [&](uint64_t at, char* out, size_t size) {
        return Result<size_t>(e.source.copy(out, size, size_t(at)));
      });
    case PackEntry::Content::kHost:
    case PackEntry::Content::kSavedInput:
      return write_host_file(disk, e, meta);
  }
  return {};
}

}  // namespace

bool is_mounted_in_guest(const std::string& path) {
  for (const char* point : kMountPoints)
    if (is_below(path, point)) return true;
  return false;
}

std::vector<std::string> names_of(const std::string& path) {
  std::vector<std::string> names;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end > at && path.substr(at, end - at) != ".") names.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

void Collection::add_planned(PackEntry entry) {
  if (!is_mounted_in_guest(entry.path)) entries_.insert_or_assign(entry.path, std::move(entry));
}

void Collection::add_mount_point(const std::string& path) {
  PackEntry e;
  e.path = path;
  e.type = FileType::kDirectory;
  e.mode = 0755;
  entries_.emplace(path, std::move(e));
}

bool Collection::add(const std::string& path) { return !add_way(path).empty(); }

std::string Collection::add_way(const std::string& path) {
  add_one("/");
  std::vector<std::string> rest = names_of(path);
  std::string at = "/";
  for (int links = 0; !rest.empty();) {
    const std::string name = rest.front();
    rest.erase(rest.begin());
    if (name == "..") {
      at = fs::path(at).parent_path();
      continue;
    }
    std::string next = (at == "/" ? "" : at) + "/" + name;
    if (is_mounted_in_guest(next)) return next;
    if (!add_one(next)) return {};
    const PackEntry& e = entries_.at(next);
    if (e.type != FileType::kSymlink) {
      at = next;
      continue;
    }
    if (++links > kMaxLinks) return {};
    auto names = names_of(e.target);
    rest.insert(rest.begin(), names.begin(), names.end());
    if (e.target.starts_with('/')) at = "/";
  }
  return at;
}

bool Collection::add_one(const std::string& path) {
  if (entries_.contains(path)) return true;
  const Reach at = reach(path);
  return add_entry(path, at.fd(), at.name.c_str());
}

bool Collection::add_entry(const std::string& path, int directory, const char* name) {
  if (entries_.contains(path)) return true;
  struct stat st {};
  if (::fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return false;
  PackEntry e;
  e.path = path;
  e.mode = st.st_mode & 07777;
  e.uid = st.st_uid;
  e.gid = st.st_gid;
  e.mtime = st.st_mtim.tv_sec;
  if (S_ISDIR(st.st_mode)) {
    e.type = FileType::kDirectory;
  } else if (S_ISLNK(st.st_mode)) {
    char target[PATH_MAX];
    const ssize_t size = ::readlinkat(directory, name, target, sizeof target);
    if (size < 0) return false;
    e.type = FileType::kSymlink;
    e.target.assign(target, size_t(size));
  } else if (S_ISREG(st.st_mode)) {
    add_regular(e, st, directory, name);
  } else {
    return false;  // devices and sockets lead out of the guest
  }
  entries_.emplace(path, std::move(e));
  return true;
}

void Collection::add_regular(PackEntry& e, const struct stat& st, int directory, const char* name) {
  e.source = e.path;
  e.size = uint64_t(st.st_size);
  if (::faccessat(directory, name, R_OK, AT_EACCESS) != 0) {
    // Nor will the program be able to, unless it changes its user: names and sizes are the same.
    e.content = PackEntry::Content::kHole;
    warn(e.path + " cannot be read here; in the guest it has its size, but only zeros in it");
    return;
  }
  if (st.st_nlink < 2) return;
  const auto [it, first] = linked_.emplace(std::pair(st.st_dev, st.st_ino), e.path);
  // A link is made after what it leads to, and paths are in order.
  if (!first && it->second < e.path) e.hard_link = it->second;
}

bool Collection::add_tree(const std::string& path) {
  const std::string top = add_way(path);
  if (top.empty()) return false;
  if (is_mounted_in_guest(top)) return true;
  const Reach at = reach(top);
  walk(at.fd(), at.name.c_str(), top);
  return true;
}

bool Collection::add_tree(const std::string& path, Limit limit) {
  const std::string top = add_way(path);
  return !top.empty() && is_within(top, limit) && add_tree(top);
}

void Collection::add_files_in(const std::string& directory) {
  if (!add(directory)) return;
  std::error_code error;
  for (fs::directory_iterator entries(directory, error), end; !error && entries != end;
       entries.increment(error))
    if (entries->is_regular_file(error)) add(entries->path());
}

void Collection::walk(int parent, const char* name, const std::string& path) {
  const auto it = entries_.find(path);
  if (it == entries_.end()) return;
  const PackEntry& entry = it->second;
  if (entry.type == FileType::kRegular && ((entry.mode & 0111) != 0 || path.ends_with(".so")))
    programs_.push_back(path);
  if (entry.type != FileType::kDirectory) return;
  const int fd = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fd < 0 ? nullptr : ::fdopendir(fd),
                                                      ::closedir);
  if (!directory) {
    if (errno != EACCES)
      warn("not all of " + path + " can be listed: " + std::generic_category().message(errno));
    return;
  }
  while (const dirent* one = ::readdir(directory.get())) {
    const std::string_view child = one->d_name;
    if (child == "." || child == "..") continue;
    const std::string below = (path == "/" ? "" : path) + "/" + one->d_name;
    if (!is_mounted_in_guest(below) && add_entry(below, fd, one->d_name))
      walk(fd, one->d_name, below);
  }
}

Result<std::vector<DiskRange>> Collection::write(const std::string& path) {
  uint64_t bytes = 0;
  for (const auto& [name, e] : entries_)
    if (e.content != PackEntry::Content::kHole) bytes += e.size;
  auto disk = DiskImage::make(path, bytes, kHostLabel);
  if (!disk) return fail(disk.error());
  for (const auto& [name, e] : entries_)
    if (auto ok = write_entry(*disk, e); !ok) return fail(ok.error());
  return disk->finish();
}

}  // namespace fptrace::emu
