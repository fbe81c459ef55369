#include "backends/ptrace/mount_table.h"

#include <sys/stat.h>

#include <optional>

#include "common/proc/text_file.h"

namespace fptrace::ptrace {
namespace {

std::vector<Mount> read_mounts(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) return {};
  return parse_mountinfo(*text).value_or(std::vector<Mount>{});
}

// What follows directory `dir` in `path`: "" or "/...". nullopt: `path` is not below it.
std::optional<std::string> below(const std::string& path, const std::string& dir) {
  if (dir == "/") return path == "/" ? std::string() : path;
  if (!path.starts_with(dir)) return {};
  if (path.size() > dir.size() && path[dir.size()] != '/') return {};
  return path.substr(dir.size());
}

std::string join(const std::string& dir, const std::string& rest) {
  return dir == "/" ? (rest.empty() ? "/" : rest) : dir + rest;
}

bool same_file(const std::string& path, const FileRef& file) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 && st.st_dev == file.dev && st.st_ino == file.ino;
}

// An overlay gives its files numbers of its own: the type and the size must do.
bool may_be_layer_of(const std::string& path, const FileRef& file) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 && (st.st_mode & S_IFMT) == (file.mode & S_IFMT) &&
         (!S_ISREG(st.st_mode) || uint64_t(st.st_size) == file.size);
}

}  // namespace

MountTable::MountTable(std::string mountinfo, std::string root)
    : mountinfo_(std::move(mountinfo)), root_(std::move(root)) {}

void MountTable::forget() {
  known_.clear();
  indirect_.clear();
}

void MountTable::refresh() {
  const auto host = read_mounts("/proc/self/mountinfo");
  for (Mount& m : read_mounts(mountinfo_)) {
    if (!known_.try_emplace(m.id, true).second) continue;
    if (!root_.empty() && root_ != "/") m.mount_point = join(root_, m.mount_point);
    Indirect indirect;
    if (m.fstype == "overlay") indirect.layers = overlay_layers(m.super_options);
    for (const Mount& h : host)
      if (h.id != m.id && h.dev_major == m.dev_major && h.dev_minor == m.dev_minor)
        indirect.others.push_back(h);
    if (indirect.layers.empty() && (m.root == "/" || indirect.others.empty())) continue;
    indirect.mount = std::move(m);
    const uint64_t id = indirect.mount.id;
    indirect_.emplace(id, std::move(indirect));
  }
}

std::string MountTable::source(const FileRef& file) {
  if (file.mount == 0) return {};
  if (!known_.contains(file.mount)) {
    refresh();
    known_.try_emplace(file.mount, false);  // not in the table (detached): do not ask again
  }
  const auto it = indirect_.find(file.mount);
  if (it == indirect_.end()) return {};
  const Indirect& indirect = it->second;
  const auto rest = below(file.path, indirect.mount.mount_point);
  if (!rest) return {};
  const std::string inside = join(indirect.mount.root, *rest);
  for (const std::string& layer : indirect.layers)
    if (std::string path = join(layer, inside); may_be_layer_of(path, file)) return path;
  for (const Mount& other : indirect.others) {
    const auto tail = below(inside, other.root);
    if (!tail) continue;
    std::string path = join(other.mount_point, *tail);
    if (path != file.path && same_file(path, file)) return path;
  }
  return {};
}

}  // namespace fptrace::ptrace
