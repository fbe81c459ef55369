#include "tests/support/fake_task.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace fptrace::testing {
namespace {

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

FakeFileSystem::FakeFileSystem() {
  nodes_["/"] = {{}, {}, {}};
  auto& root = nodes_["/"].file;
  root.path = "/";
  root.dev = kDev;
  root.ino = next_ino_++;
  root.mode = S_IFDIR | 0755;
  root.nlink = 2;
}

FileRef FakeFileSystem::make(const std::string& path, uint32_t mode, std::string content) {
  if (!nodes_.contains(parent_of(path))) dir(parent_of(path));
  Node& node = nodes_[path];
  node.file = FileRef{};
  node.file.path = path;
  node.file.dev = path == "/proc" || path.starts_with("/proc/") ? kProcDev : kDev;
  node.file.ino = next_ino_++;
  node.file.mode = mode;
  node.file.nlink = S_ISDIR(mode) ? 2 : 1;
  node.file.size = content.size();
  node.file.mtime_ns = node.file.ctime_ns = clock_++;
  node.content = std::move(content);
  return node.file;
}

FileRef FakeFileSystem::dir(const std::string& path, uint32_t permissions) {
  return make(path, S_IFDIR | permissions, "");
}
FileRef FakeFileSystem::file(const std::string& path, std::string content, uint32_t permissions) {
  return make(path, S_IFREG | permissions, std::move(content));
}
FileRef FakeFileSystem::symlink(const std::string& path, std::string target) {
  return make(path, S_IFLNK | 0777, std::move(target));
}
FileRef FakeFileSystem::special(const std::string& path, uint32_t type) {
  return make(path, type | 0666, "");
}
void FakeFileSystem::magic(const std::string& path, FileRef target) {
  make(path, S_IFLNK | 0777, "not what it leads to");
  nodes_[path].target = std::move(target);
}

void FakeFileSystem::hard_link(const std::string& from, const std::string& to) {
  Node copy = nodes_.at(from);
  nodes_.at(from).file.nlink = copy.file.nlink = 2;
  copy.file.path = to;
  nodes_[to] = std::move(copy);
}

void FakeFileSystem::remove(const std::string& path) {
  std::erase_if(nodes_, [&](const auto& entry) {
    return entry.first == path || entry.first.starts_with(path + "/");
  });
}

void FakeFileSystem::rename(const std::string& from, const std::string& to) {
  remove(to);
  std::map<std::string, Node> moved;
  for (auto& [path, node] : nodes_) {
    if (path != from && !path.starts_with(from + "/")) continue;
    Node copy = node;
    copy.file.path = to + path.substr(from.size());
    moved[copy.file.path] = copy;
  }
  remove(from);
  nodes_.merge(moved);
}

FileRef FakeFileSystem::ref(const std::string& path) {
  const auto found = nodes_.find(path);
  if (found == nodes_.end()) throw std::runtime_error("no such fake file: " + path);
  return found->second.file;
}

// As the kernel would: links in the middle are followed, the last component is not.
Result<FakeFileSystem::Node*> FakeFileSystem::find(const std::string& path, int links) {
  if (links > 40) return fail_errno("find " + path, ELOOP);
  if (!path.starts_with('/')) return fail_errno("find " + path, ENOENT);
  std::string at = "/";
  for (size_t begin = 1; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    const Node& dir = nodes_.at(at);
    if (S_ISLNK(dir.file.mode)) {
      const std::string target =
          dir.content.starts_with('/') ? dir.content : parent_of(at) + "/" + dir.content;
      return find(target + path.substr(begin - 1), links + 1);
    }
    if (!S_ISDIR(dir.file.mode)) return fail_errno("find " + path, ENOTDIR);
    if (denied_.contains(at)) return fail_errno("find " + path, EACCES);
    at = (at == "/" ? "" : at) + "/" + path.substr(begin, end - begin);
    if (!nodes_.contains(at)) return fail_errno("find " + path, ENOENT);
    begin = end + 1;
  }
  return &nodes_.at(at);
}

Result<FileRef> FakeFileSystem::lstat(const std::string& path) {
  ++lstats;
  const auto node = find(path);
  if (!node) return fail(node.error());
  FileRef file = (*node)->file;
  file.path = path;
  return file;
}

Result<std::string> FakeFileSystem::readlink(const std::string& path) {
  const auto node = find(path);
  if (!node) return fail(node.error());
  if (!S_ISLNK((*node)->file.mode)) return fail_errno("readlink " + path, EINVAL);
  return (*node)->content;
}

Result<std::string> FakeFileSystem::read_head(const std::string& path, size_t size) {
  const auto node = find(path);
  if (!node) return fail(node.error());
  const FileRef& target = (*node)->target;
  if (!target.exists()) return (*node)->content.substr(0, size);
  // A magic link: by inode, because the file may have no name any more.
  for (const auto& [name, other] : nodes_)
    if (other.file.ino == target.ino) return other.content.substr(0, size);
  return fail_errno("read " + path, ENOENT);
}

Result<FileRef> FakeFileSystem::follow_magic(const std::string& path) {
  const auto node = find(path);
  if (!node) return fail(node.error());
  if ((*node)->target.path.empty()) return fail_errno("follow " + path, ENOENT);
  return (*node)->target;
}

FakeTask::FakeTask(FakeFileSystem& fs) : fs_(fs) { program.path = "/bin/program"; }

uint64_t FakeTask::put(std::string_view bytes) {
  const uint64_t addr = next_addr_;
  memory_[addr] = bytes;
  next_addr_ += (bytes.size() + 16) / 16 * 16;  // never flush with the next region
  return addr;
}

uint64_t FakeTask::put_string(std::string_view text) { return put(std::string(text) + '\0'); }

void FakeTask::poke(uint64_t addr, std::string_view bytes) {
  const auto region = std::prev(memory_.upper_bound(addr));
  region->second.replace(size_t(addr - region->first), bytes.size(), bytes);
}

size_t FakeTask::read_memory(uint64_t addr, void* out, size_t size) {
  auto region = memory_.upper_bound(addr);
  if (region == memory_.begin()) return 0;
  --region;
  const uint64_t offset = addr - region->first;
  if (offset >= region->second.size()) return 0;
  const size_t n = std::min(size, region->second.size() - size_t(offset));
  std::memcpy(out, region->second.data() + offset, n);
  return n;
}

Result<Registers> FakeTask::registers() {
  if (!cpu) return fail(Errc::kTracee, "registers of a fake task");
  return *cpu;
}

Result<OpenFile> FakeTask::descriptor(int fd) {
  const auto found = fds.find(fd);
  if (found == fds.end()) return fail_errno("descriptor " + std::to_string(fd), EBADF);
  return found->second;
}

Result<FileRef> FakeTask::cwd() { return fs_.ref(cwd_path); }
Result<FileRef> FakeTask::root() { return fs_.ref(root_path); }

}  // namespace fptrace::testing
