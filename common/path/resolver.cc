#include "common/path/resolver.h"

#include <linux/limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include <algorithm>

namespace fptrace {
namespace {

constexpr size_t kMaxLinks = 40;  // MAXSYMLINKS of the kernel's namei.h

std::string join(std::string_view dir, std::string_view name) {
  std::string path;
  path.reserve(dir.size() + 1 + name.size());
  path = dir;
  if (path.empty() || path.back() != '/') path += '/';
  path += name;
  return path;
}

// The first component of `rest`, which loses it and the slashes around it. Empty at the end.
std::string_view take_component(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
  const std::string_view component = rest.substr(0, rest.find('/'));
  rest.remove_prefix(component.size());
  return component;
}

// Names what would have been: `rest` below `path`, whose components nobody can look up.
void append_unseen(std::string& path, std::string_view rest) {
  for (auto name = take_component(rest); !name.empty(); name = take_component(rest))
    if (name != ".") path = join(path, name);
}

bool all_digits(std::string_view s) {
  return !s.empty() && std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; });
}

// A link of procfs that leads to an object, not to the path in its text: PID/{cwd,root,exe} and
// PID/{fd,ns,map_files}/X, the same below PID/task/TID. `path` is its canonical path.
bool is_magic_link(std::string_view path) {
  const auto take_last = [&path] {
    const size_t slash = path.rfind('/');
    const std::string_view name = path.substr(slash + 1);
    path = slash == path.npos ? std::string_view() : path.substr(0, slash);
    return name;
  };
  const std::string_view name = take_last();
  const std::string_view parent = take_last();
  if (parent == "fd" || parent == "ns" || parent == "map_files") return all_digits(take_last());
  return (name == "cwd" || name == "root" || name == "exe") && all_digits(parent);
}

// One lookup. Members hold where it stands; the functions that return bool say whether it can go
// on, and set `out_.error` if not.
class Walk {
 public:
  Walk(TaskView& task, DirectoryCache& cache, const PathRequest& request, Resolution& out)
      : task_(task), fs_(task.file_system()), cache_(cache), request_(request), out_(out) {}

  void run() {
    if (!find_start()) return;
    if (names_start()) return take_start();
    if (walk(request_.path, request_.last) && out_.content_path.empty())
      out_.content_path = out_.lookup.file.path;
    for (auto& w : way_)
      if (w.is_link) out_.lookup.links.push_back(std::move(w.path));
  }

 private:
  bool fails(int error, bool certain = true) {
    out_.error = error;
    out_.certain = out_.certain && certain;
    return false;
  }
  // Nothing is at `path`, or nothing that can be looked at.
  bool fails_at(std::string path, int error, bool certain = true) {
    out_.lookup.file = FileRef{};
    out_.lookup.file.path = std::move(path);
    return fails(error, certain);
  }
  bool scoped() const { return request_.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT); }

  bool has_path(const FileRef& file);
  bool find_start();
  bool take_descriptor(bool needs_directory);
  bool names_start() const;
  void take_start();
  bool walk(std::string_view path, LastLink last);
  bool walk_directories(std::string_view dirs, std::string_view start);
  size_t use_cache(std::string key, std::string_view dirs);
  bool know_directory();
  void keep(const std::string& key, size_t first);
  bool enter(std::string_view name);
  bool go_up();
  bool last_component(std::string_view name, bool slash, LastLink last);
  bool look(const std::string& path, std::string_view name, FileRef& file);
  bool follow(const std::string& path, const FileRef& link);
  bool follow_magic(const std::string& path);
  std::string own_link(std::string_view path, std::string content);
  bool stop_here();

  TaskView& task_;
  FileSystem& fs_;
  DirectoryCache& cache_;
  const PathRequest& request_;
  Resolution& out_;
  FileRef root_;      // where absolute paths start and `..` stops
  FileRef start_;     // what relative paths start from
  std::string dir_;   // canonical directory that was reached
  FileRef dir_file_;  // the same as a file; of another path when it was not looked at
  std::vector<Waypoint> way_;
  size_t links_ = 0;  // of the way
  bool cacheable_ = true;
};

// Whether `file` can be reached through its path. Some FUSE file systems count no links at all, so
// that a count of 0 is only a hint that it was removed.
bool Walk::has_path(const FileRef& file) {
  if (!file.path.starts_with('/')) return false;
  if (file.nlink != 0) return true;
  const auto there = fs_.lstat(file.path);
  return there && there->dev == file.dev && there->ino == file.ino;
}

bool Walk::find_start() {
  if (auto root = task_.root()) root_ = *std::move(root);
  if (root_.path.empty()) out_.certain = cacheable_ = false;
  if (root_.path.empty()) root_.path = "/";
  const std::string& path = request_.path;
  if (path.size() >= PATH_MAX) return fails_at(path, ENAMETOOLONG);
  if (path.empty() && !request_.empty_is_dirfd) return fails_at("", ENOENT);
  if (request_.resolve != 0) cacheable_ = false;
  // Both depend on more than the tree: on mounts, on what the kernel has in its cache.
  if (request_.resolve & (RESOLVE_NO_XDEV | RESOLVE_CACHED)) out_.certain = false;
  if (path.starts_with('/') && !scoped()) return true;
  if (path.starts_with('/') && (request_.resolve & RESOLVE_BENEATH)) return fails_at(path, EXDEV);
  if (!take_descriptor(!path.empty())) return false;
  if (path.empty()) return true;
  if (!path.starts_with('/')) out_.lookup.base = start_.path;
  if (!has_path(start_)) {
    // A removed directory has no entries; but `..` still leads where nobody can tell.
    out_.certain = cacheable_ = false;
    if (names_start()) return true;
    std::string missing = start_.path;
    append_unseen(missing, path);
    return fails_at(std::move(missing), ENOENT);
  }
  if (scoped()) root_ = start_;
  return true;
}

// Sets start_ from the call's descriptor argument.
bool Walk::take_descriptor(bool needs_directory) {
  if (request_.dirfd == AT_FDCWD) {
    auto cwd = task_.cwd();
    if (!cwd) return fails_at(request_.path, cwd.error().sys, false);
    start_ = *std::move(cwd);
    return true;
  }
  auto file = task_.descriptor_file(request_.dirfd);
  if (!file) {
    const bool bad = file.error().sys == ENOENT || file.error().sys == EBADF;
    return fails_at(request_.path, bad ? EBADF : file.error().sys, bad);
  }
  start_ = *std::move(file);
  if (needs_directory && !S_ISDIR(start_.mode)) {
    std::string path = start_.path;
    append_unseen(path, request_.path);
    return fails_at(std::move(path), ENOTDIR);
  }
  return true;
}

// Whether the path means the start itself, whatever has become of its name: AT_EMPTY_PATH, and `.`
// in a directory that was removed.
bool Walk::names_start() const {
  const bool dots = request_.path.find_first_not_of("./") == std::string::npos &&
                    request_.path.find("..") == std::string::npos;
  return request_.path.empty() || (dots && start_.nlink == 0 && start_.exists());
}

void Walk::take_start() {
  out_.content_path = start_.path;
  if (!has_path(start_) && request_.dirfd != AT_FDCWD) {
    out_.content_path =
        "/proc/" + std::to_string(task_.pid()) + "/fd/" + std::to_string(request_.dirfd);
  }
  out_.lookup.file = std::move(start_);
}

// Sets out_.lookup.file to what `path` names, starting from dir_, or from start_ for the first one.
bool Walk::walk(std::string_view path, LastLink last) {
  const bool absolute = path.starts_with('/');
  if (absolute) {
    dir_ = root_.path;
  } else if (dir_.empty()) {
    dir_ = start_.path;
  }
  const size_t end = path.find_last_not_of('/');
  if (end == path.npos) return stop_here();  // "/"
  const bool slash = end + 1 < path.size();
  const std::string_view body = path.substr(0, end + 1);
  const size_t cut = body.rfind('/') + 1;  // npos + 1 == 0: no directory part
  const std::string start = absolute ? std::string() : dir_;
  if (!walk_directories(body.substr(0, cut), start)) {
    append_unseen(out_.lookup.file.path, body.substr(cut));
    return false;
  }
  return last_component(body.substr(cut), slash, last);
}

// Moves dir_ along `dirs` ("/usr/lib/", "../x/", or empty).
bool Walk::walk_directories(std::string_view dirs, std::string_view start) {
  if (dirs.find_first_not_of('/') == dirs.npos) return true;
  const size_t first = way_.size();
  // Two tasks agree about a path only if they agree about the root and the mounts below it.
  std::string key = root_.path;
  for (const uint64_t n : {root_.dev, root_.ino, root_.mount})
    key.append(reinterpret_cast<const char*>(&n), sizeof n);
  key.append(start).append(1, '\0');
  const size_t head = key.size();

  size_t done = cacheable_ ? use_cache(key, dirs) : 0;
  std::string_view rest = dirs.substr(done);
  for (auto name = take_component(rest); !name.empty(); name = take_component(rest)) {
    if (!enter(name)) {
      append_unseen(out_.lookup.file.path, rest);
      return false;
    }
    done = dirs.size() - rest.size();
    if (cacheable_) keep(key.substr(0, head).append(dirs.substr(0, done)), first);
  }
  return true;
}

// Moves dir_ along the longest known beginning of `dirs` and returns its length. `key` is what
// comes before `dirs` in the keys of these directories.
size_t Walk::use_cache(std::string key, std::string_view dirs) {
  const size_t head = key.size();
  key.append(dirs);
  size_t length = dirs.find_last_not_of('/') + 1;
  while (length > 0) {
    key.resize(head + length);
    if (const KnownDirectory* known = cache_.find(key, fs_)) {
      const auto links = size_t(std::ranges::count_if(known->way, &Waypoint::is_link));
      if (links_ + links > kMaxLinks) return 0;
      links_ += links;
      dir_ = known->path;
      way_.insert(way_.end(), known->way.begin(), known->way.end());
      return length;
    }
    const size_t slash = dirs.substr(0, length).rfind('/');
    if (slash == dirs.npos) return 0;
    length = dirs.substr(0, slash).find_last_not_of('/') + 1;  // npos + 1 == 0
  }
  return 0;
}

// Makes dir_file_ what dir_ names.
bool Walk::know_directory() {
  if (dir_file_.path == dir_) return true;
  auto file = fs_.lstat(dir_);
  if (!file) return false;
  dir_file_ = *std::move(file);
  return true;
}

// Remembers dir_, and the way to it since `first`, as what `key` leads to.
void Walk::keep(const std::string& key, size_t first) {
  if (!know_directory()) return;
  cache_.insert(key, {dir_, dir_file_.dev, dir_file_.ino,
                      std::vector<Waypoint>(way_.begin() + ptrdiff_t(first), way_.end())});
}

// Moves dir_ by one component.
bool Walk::enter(std::string_view name) {
  if (name == ".") return true;
  if (name == "..") return go_up();
  const std::string path = join(dir_, name);
  FileRef file;
  if (!look(path, name, file)) return false;
  if (S_ISLNK(file.mode)) {
    if (!follow(path, file)) return false;
    file = std::move(out_.lookup.file);
  }
  if (!S_ISDIR(file.mode)) return fails_at(file.path, ENOTDIR);
  if (!has_path(file)) return fails_at(file.path, ENOENT, false);
  dir_ = file.path;
  dir_file_ = std::move(file);
  return true;
}

bool Walk::go_up() {
  if (dir_ == root_.path) {
    if (request_.resolve & RESOLVE_BENEATH) return fails_at(dir_, EXDEV);
    return true;
  }
  // That dir_ was there decides about the result, though nothing in it tells of dir_. A waypoint
  // below it stands for it.
  const bool stands = !way_.empty() && way_.back().path.starts_with(join(dir_, ""));
  if (cacheable_ && !stands && know_directory())
    way_.push_back({dir_, dir_file_.dev, dir_file_.ino, false, 0});
  dir_.resize(std::max<size_t>(dir_.rfind('/'), 1));
  return true;
}

bool Walk::last_component(std::string_view name, bool slash, LastLink last) {
  if (name == ".") return stop_here();
  if (name == "..") return go_up() && stop_here();
  const std::string path = join(dir_, name);
  FileRef& file = out_.lookup.file;
  if (!look(path, name, file)) return false;
  if (S_ISLNK(file.mode) && (last == LastLink::kFollow || (last == LastLink::kKeep && slash))) {
    const FileRef link = std::exchange(file, {});
    if (!follow(path, link)) return false;
  }
  if (slash && last != LastLink::kName && !S_ISDIR(file.mode))
    return fails_at(file.path + '/', ENOTDIR);
  return true;
}

// The path ends at dir_.
bool Walk::stop_here() { return look(dir_, {}, out_.lookup.file); }

bool Walk::look(const std::string& path, std::string_view name, FileRef& file) {
  if (name.size() > NAME_MAX) return fails_at(path, ENAMETOOLONG);
  auto found = fs_.lstat(path);
  if (!found) {
    const int error = found.error().sys;
    // Others need not hold for the task: it may be allowed more than the tracer is.
    return fails_at(path, error != 0 ? error : EIO, error == ENOENT || error == ENOTDIR);
  }
  file = *std::move(found);
  out_.content_path.clear();
  if (fs_.is_procfs(file.dev)) out_.certain = false;
  return true;
}

// Sets out_.lookup.file to what the symbolic link at `path` leads to.
bool Walk::follow(const std::string& path, const FileRef& link) {
  if (request_.resolve & RESOLVE_NO_SYMLINKS) return fails_at(path, ELOOP);
  if (++links_ > kMaxLinks) return fails_at(path, ELOOP);
  way_.push_back({path, link.dev, link.ino, true, link.ctime_ns});
  const bool procfs = fs_.is_procfs(link.dev);
  if (procfs) cacheable_ = false;
  if (procfs && is_magic_link(path)) return follow_magic(path);
  auto content = fs_.readlink(path);
  if (!content) return fails_at(path, content.error().sys, false);
  if (procfs) content = own_link(path, *std::move(content));
  if (content->empty()) return fails_at(path, ENOENT);
  if (content->starts_with('/') && (request_.resolve & RESOLVE_BENEATH))
    return fails_at(path, EXDEV);
  return walk(*content, LastLink::kFollow);
}

// /proc/self and /proc/thread-self have another content for each reader; this is the task's.
std::string Walk::own_link(std::string_view path, std::string content) {
  std::string pid = std::to_string(task_.pid());
  if (path.ends_with("/self") && all_digits(content)) return pid;
  if (path.ends_with("/thread-self") && content.find("/task/") != content.npos)
    return pid + "/task/" + std::to_string(task_.tid());
  return content;
}

bool Walk::follow_magic(const std::string& path) {
  if (request_.resolve & RESOLVE_NO_MAGICLINKS) return fails_at(path, ELOOP);
  if (scoped()) return fails_at(path, EXDEV);
  auto file = fs_.follow_magic(path);
  if (!file) return fails_at(path, file.error().sys, false);
  out_.lookup.file = *std::move(file);
  out_.content_path = has_path(out_.lookup.file) ? std::string() : path;
  return true;
}

}  // namespace

Resolution PathResolver::resolve(TaskView& task, const PathRequest& request) {
  Resolution out;
  Walk(task, cache_, request, out).run();
  return out;
}

}  // namespace fptrace
