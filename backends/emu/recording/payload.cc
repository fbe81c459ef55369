#include "backends/emu/recording/payload.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>

#include "backends/emu/recording/disk_image.h"
#include "common/base/unique_fd.h"
#include "fingerprint/closure/static_closure.h"
#include "fingerprint/manifest_file.h"
#include "fingerprint/pack/plan.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;
using pack::PackEntry;

constexpr int kMaxLinks = 40;  // MAXSYMLINKS, include/linux/namei.h

// What the C library reads on its own account in almost every program, and places that every
// program takes for granted.
constexpr const char* kCommonFiles[] = {"/etc/passwd",     "/etc/group",     "/etc/nsswitch.conf",
                                        "/etc/hosts",      "/etc/host.conf", "/etc/services",
                                        "/etc/protocols",  "/etc/localtime", "/etc/ld.so.cache",
                                        "/etc/os-release", "/etc/gai.conf"};
constexpr const char* kCommonDirectories[] = {"/bin", "/sbin",    "/lib", "/lib64", "/usr/bin",
                                              "/tmp", "/var/tmp", "/run", "/root",  "/home"};
constexpr const char* kMountPoints[] = {"/proc", "/sys", "/dev"};

bool is_below(const std::string& path, const char* directory) {
  const std::string_view d = directory;
  return path.starts_with(d) && (path.size() == d.size() || path[d.size()] == '/');
}

bool is_mounted_in_guest(const std::string& path) {
  for (const char* point : kMountPoints)
    if (is_below(path, point)) return true;
  return false;
}

// The names of a path, with "." and empty ones left out.
std::vector<std::string> names_of(const std::string& path) {
  std::vector<std::string> names;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end > at && path.substr(at, end - at) != ".") names.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  return names;
}

// Everything that will be on the disk, by canonical path: so a directory comes before its contents.
class Collection {
 public:
  explicit Collection(const std::function<void(const std::string&)>& warn) : warn_(warn) {}

  void add_planned(PackEntry e) {
    if (!is_mounted_in_guest(e.path)) entries_.insert_or_assign(e.path, std::move(e));
  }

  // A path of this host, with every link and directory on the way. With `deep`, all below it.
  // False when it is not there.
  bool add(const std::string& path, bool deep) {
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
      const std::string next = (at == "/" ? "" : at) + "/" + name;
      if (is_mounted_in_guest(next)) return true;
      if (!add_one(next)) return false;
      const PackEntry& e = entries_.at(next);
      if (e.type != FileType::kSymlink) {
        at = next;
        continue;
      }
      if (++links > kMaxLinks) return false;
      auto names = names_of(e.target);
      rest.insert(rest.begin(), names.begin(), names.end());
      if (e.target.starts_with('/')) at = "/";
    }
    if (deep) add_below(at);
    return true;
  }

  void add_mount_point(const std::string& path) {
    PackEntry e;
    e.path = path;
    e.type = FileType::kDirectory;
    e.mode = 0755;
    entries_.emplace(path, std::move(e));
  }

  Result<void> write(const std::string& path) {
    uint64_t bytes = 0;
    for (const auto& [name, e] : entries_)
      if (e.content != PackEntry::Content::kHole) bytes += e.size;
    auto disk = DiskImage::make(path, bytes);
    if (!disk) return fail(disk.error());
    for (const auto& [name, e] : entries_)
      if (auto ok = write_entry(*disk, e); !ok) return ok;
    return disk->finish();
  }

 private:
  void warn(const std::string& sentence) {
    if (warn_) warn_(sentence);
  }

  bool add_one(const std::string& path) {
    struct stat st {};
    if (entries_.contains(path)) return true;
    if (::lstat(path.c_str(), &st) != 0) return false;
    PackEntry e;
    e.path = path;
    e.mode = st.st_mode & 07777;
    e.uid = st.st_uid;
    e.gid = st.st_gid;
    e.mtime = st.st_mtim.tv_sec;
    if (S_ISDIR(st.st_mode)) {
      e.type = FileType::kDirectory;
    } else if (S_ISLNK(st.st_mode)) {
      e.type = FileType::kSymlink;
      std::error_code error;
      e.target = fs::read_symlink(path, error);
      if (error) return false;
    } else if (S_ISREG(st.st_mode)) {
      if (::access(path.c_str(), R_OK) != 0) {
        warn(path + " cannot be read and will not be in the guest");
        return false;
      }
      e.source = path;
      e.size = uint64_t(st.st_size);
      if (st.st_nlink > 1) {
        const auto [it, first] = linked_.emplace(std::pair(st.st_dev, st.st_ino), path);
        if (!first && it->second < path) e.hard_link = it->second;
      }
    } else {
      return false;  // devices and sockets lead out of the guest
    }
    entries_.emplace(path, std::move(e));
    return true;
  }

  void add_below(const std::string& directory) {
    std::error_code error;
    fs::recursive_directory_iterator files(directory, fs::directory_options::skip_permission_denied,
                                           error),
        end;
    for (; !error && files != end; files.increment(error)) {
      if (is_mounted_in_guest(files->path())) {
        files.disable_recursion_pending();
      } else {
        add_one(files->path());
      }
    }
    if (error && error != std::errc::not_a_directory)
      warn("not all of " + directory + " can be listed: " + error.message());
  }

  static Result<void> write_entry(DiskImage& disk, const PackEntry& e) {
    FileMeta meta{e.mode, e.uid, e.gid, e.mtime, 0, e.xattrs};
    struct stat st {};
    if (::lstat(e.path.c_str(), &st) == 0 && st.st_mtim.tv_sec == e.mtime)
      meta.mtime_ns = uint32_t(st.st_mtim.tv_nsec);
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

  static Result<void> write_host_file(DiskImage& disk, const PackEntry& e, const FileMeta& meta) {
    const UniqueFd fd(::open(e.source.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!fd) return fail_errno("open " + e.source);
    return disk.file(e.path, meta, e.size, [&](uint64_t at, char* out, size_t size) {
      const ssize_t n = ::pread(fd.get(), out, size, off_t(at));
      return n >= 0 ? Result<size_t>(size_t(n)) : fail_errno("read " + e.source);
    });
  }

  const std::function<void(const std::string&)>& warn_;
  std::map<std::string, PackEntry> entries_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;
};

// `path` as seen from `cwd`.
std::string absolute(const std::string& path, const std::string& cwd) {
  return path.starts_with('/') ? path : cwd + "/" + path;
}

Result<Manifest> closure_of(const PayloadRequest& request) {
  StaticOptions options;
  options.files = {absolute(request.program, request.cwd)};
  options.packages = false;  // reading a package database takes longer than all the rest
  if (const char* path = std::getenv("LD_LIBRARY_PATH")) options.library_path = path;
  auto closure = make_static_closure(options);
  if (!closure) {
    const Error& e = closure.error();
    return fail(Errc::kTracee, "cannot run " + request.program + ": " + e.what,
                e.sys != 0 ? e.sys : ENOEXEC);
  }
  if (request.warn)
    for (const auto& w : closure->warnings) request.warn(w);
  return std::move(closure->manifest);
}

void add_common(Collection& files, const PayloadRequest& request) {
  for (const char* path : kCommonDirectories) files.add(path, false);
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    files.add(home, false);
  files.add(request.cwd, false);
  files.add(absolute(request.program, request.cwd), false);
  if (!request.input_file.empty()) files.add(request.input_file, false);
  for (const char* path : kMountPoints) files.add_mount_point(path);
  if (request.manifest) return;
  for (const char* path : kCommonFiles) files.add(path, false);
  for (size_t i = 1; i < request.argv.size(); ++i) {
    struct stat st {};
    const std::string path = absolute(request.argv[i], request.cwd);
    if (::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode)) files.add(path, false);
  }
}

// --- a root file system
// ---------------------------------------------------------------------------

using Archive = std::unique_ptr<archive, decltype(&archive_read_free)>;

Error archive_error(archive* in, const std::string& rootfs) {
  const char* why = archive_error_string(in);
  return {Errc::kIo, "read " + rootfs + ": " + (why != nullptr ? why : "it is damaged"), 0};
}

Result<Archive> open_rootfs(const std::string& rootfs) {
  struct stat st {};
  if (::stat(rootfs.c_str(), &st) != 0) return fail_errno("open " + rootfs);
  const bool directory = S_ISDIR(st.st_mode);
  Archive in(directory ? archive_read_disk_new() : archive_read_new(), archive_read_free);
  if (directory) {
    archive_read_disk_set_symlink_physical(in.get());
    if (archive_read_disk_open(in.get(), rootfs.c_str()) != ARCHIVE_OK)
      return fail(archive_error(in.get(), rootfs));
    return in;
  }
  archive_read_support_filter_all(in.get());
  archive_read_support_format_tar(in.get());
  archive_read_support_format_cpio(in.get());
  if (archive_read_open_filename(in.get(), rootfs.c_str(), 128 << 10) != ARCHIVE_OK)
    return fail(archive_error(in.get(), rootfs));
  return in;
}

// "./usr/bin/sh" and "ROOTFS/usr/bin/sh" -> "/usr/bin/sh"; nullopt for what leads out of the root.
std::optional<std::string> path_in_root(std::string name, const std::string& rootfs) {
  if (name.starts_with(rootfs)) name.erase(0, rootfs.size());
  std::string path;
  for (const auto& part : names_of(name)) {
    if (part == "..") return std::nullopt;
    path += "/" + part;
  }
  return path.empty() ? "/" : path;
}

FileMeta meta_of(archive_entry* e) {
  FileMeta meta{uint32_t(archive_entry_perm(e)),       uint32_t(archive_entry_uid(e)),
                uint32_t(archive_entry_gid(e)),        archive_entry_mtime(e),
                uint32_t(archive_entry_mtime_nsec(e)), {}};
  archive_entry_xattr_reset(e);
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK)
    if (std::string_view(name) == "security.capability")
      meta.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  return meta;
}

class RootfsWriter {
 public:
  RootfsWriter(DiskImage& disk, std::string rootfs) : disk_(disk), rootfs_(std::move(rootfs)) {}

  Result<void> add(archive* in, archive_entry* e) {
    const char* name = archive_entry_pathname(e);
    const auto path = name != nullptr ? path_in_root(name, rootfs_) : std::nullopt;
    if (!path || is_mounted_in_guest(*path)) return {};
    const FileMeta meta = meta_of(e);
    if (auto ok = add_parents(*path); !ok) return ok;
    const auto type = archive_entry_filetype(e);
    if (type == AE_IFDIR) return disk_.directory(*path, meta);
    if (disk_.exists(*path)) return {};
    if (const char* link = archive_entry_hardlink(e))
      if (const auto target = path_in_root(link, rootfs_)) return disk_.hard_link(*path, *target);
    if (type == AE_IFLNK) {
      const char* target = archive_entry_symlink(e);
      return disk_.symlink(*path, meta, target != nullptr ? target : "");
    }
    if (type != AE_IFREG) return {};
    const uint64_t size = uint64_t(archive_entry_size(e));
    return disk_.file(*path, meta, size, [&](uint64_t, char* out, size_t most) {
      const la_ssize_t n = archive_read_data(in, out, most);
      if (n < 0) return Result<size_t>(fail(archive_error(in, rootfs_)));
      return Result<size_t>(size_t(n));
    });
  }

 private:
  // Archives need not list them.
  Result<void> add_parents(const std::string& path) {
    for (size_t at = path.find('/', 1); at != path.npos; at = path.find('/', at + 1)) {
      const std::string directory = path.substr(0, at);
      if (disk_.exists(directory)) continue;
      if (auto ok = disk_.directory(directory, {0755, 0, 0, 0, 0, {}}); !ok) return ok;
    }
    return {};
  }

  DiskImage& disk_;
  std::string rootfs_;
};

Result<void> copy_rootfs(DiskImage& disk, const std::string& rootfs) {
  auto in = open_rootfs(rootfs);
  if (!in) return fail(in.error());
  RootfsWriter writer(disk, rootfs);
  struct stat st {};
  const bool directory = ::stat(rootfs.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
  archive_entry* e = nullptr;
  int got;
  while ((got = archive_read_next_header(in->get(), &e)) == ARCHIVE_OK || got == ARCHIVE_WARN) {
    if (auto ok = writer.add(in->get(), e); !ok) return ok;
    if (directory && archive_read_disk_can_descend(in->get()) > 0)
      archive_read_disk_descend(in->get());
  }
  if (got != ARCHIVE_EOF) return fail(archive_error(in->get(), rootfs));
  for (const char* path : kMountPoints)
    if (auto ok = disk.directory(path, {0755, 0, 0, 0, 0, {}}); !ok) return ok;
  return {};
}

tl::unexpected<Error> not_found(const std::string& name, int error) {
  return fail(Errc::kTracee, "cannot run " + name + ": " + std::generic_category().message(error),
              error);
}

// As execvp: the first of the search path's directories that has it.
template <class Check>
Result<std::string> search_program(const std::string& name, const std::string& search,
                                   Check check) {
  if (name.empty()) return not_found(name, ENOENT);
  if (name.find('/') != name.npos) {
    if (const int error = check(name); error != 0) return not_found(name, error);
    return name;
  }
  int refused = ENOENT;
  for (size_t at = 0; at <= search.size();) {
    const size_t end = std::min(search.find(':', at), search.size());
    const std::string directory = search.substr(at, end - at);
    const std::string path = (directory.empty() ? "." : directory) + "/" + name;
    const int error = check(path);
    if (error == 0) return path;
    if (error == EACCES) refused = error;
    at = end + 1;
  }
  return not_found(name, refused);
}

int check_host_program(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return errno;
  if (S_ISDIR(st.st_mode)) return EISDIR;
  return S_ISREG(st.st_mode) && ::access(path.c_str(), X_OK) == 0 ? 0 : EACCES;
}

}  // namespace

Result<void> write_payload(const std::string& path, const PayloadRequest& request) {
  const auto manifest = request.manifest ? read_manifest(*request.manifest) : closure_of(request);
  if (!manifest) return fail(manifest.error());
  pack::PlanOptions options;
  options.rules = {{true, "**"}};  // nothing is a secret from one's own guest
  options.keep_owner = options.keep_times = true;
  auto plan = pack::make_plan(*manifest, options);
  if (!plan) return fail(plan.error());
  Collection files(request.warn);
  for (auto& e : plan->entries) files.add_planned(std::move(e));
  add_common(files, request);
  for (const auto& include : request.include)
    if (!files.add(absolute(include, request.cwd), true))
      return fail_errno("--include " + include, ENOENT);
  return files.write(path);
}

Result<std::string> write_rootfs_payload(const std::string& path, const std::string& rootfs,
                                         const std::string& program, const std::string& search) {
  struct stat st {};
  if (::stat(rootfs.c_str(), &st) != 0) return fail_errno("open " + rootfs);
  constexpr uint64_t kUsual = uint64_t{4} << 30;  // of a directory nobody knows, short of a walk
  auto disk = DiskImage::make(path, std::max(kUsual, uint64_t(st.st_size) * 4));
  if (!disk) return fail(disk.error());
  if (auto ok = copy_rootfs(*disk, rootfs); !ok) return fail(ok.error());
  auto found = search_program(program, search, [&](const std::string& candidate) {
    return disk->is_program(candidate) ? 0 : ENOENT;
  });
  if (auto ok = disk->finish(); !ok) return fail(ok.error());
  return found;
}

Result<std::string> find_host_program(const std::string& name) {
  const char* search = std::getenv("PATH");
  return search_program(name, search != nullptr ? search : "/bin:/usr/bin", check_host_program);
}

}  // namespace fptrace::emu
