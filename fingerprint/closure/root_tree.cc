#include "fingerprint/closure/root_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <memory>

#include "common/content/stat_ref.h"

namespace fptrace {
namespace {

constexpr int kMaxLinks = 40;  // MAXSYMLINKS of Linux

// Puts the components of `path` before those that are still to be followed (a stack).
void push(std::vector<std::string>& todo, const std::string& path) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at), path.size());
    if (end > at) parts.push_back(path.substr(at, end - at));
    at = end + 1;
  }
  // A slash at the end asks for a directory.
  if (path.ends_with('/') && !parts.empty()) parts.emplace_back(".");
  todo.insert(todo.end(), parts.rbegin(), parts.rend());
}

// What would be there, for a lookup that failed at `path`.
std::string with_rest(std::string path, const std::vector<std::string>& todo) {
  for (auto it = todo.rbegin(); it != todo.rend(); ++it) {
    if (*it == ".") continue;
    if (*it == "..") {
      path.erase(std::min(path.rfind('/'), path.size()));
    } else {
      (path += '/') += *it;
    }
  }
  return path.empty() ? "/" : path;
}

}  // namespace

RootTree::Found RootTree::find(const std::string& path) const {
  Found found;
  found.lookup.path = path;
  FileRef& file = found.lookup.file;
  std::string at;  // canonical, "" is the root
  std::vector<std::string> todo;
  push(todo, path);
  struct stat st {};
  if (::stat(root_.empty() ? "/" : root_.c_str(), &st) != 0) {
    file.path = path;
    found.error = errno;
    return found;
  }
  const auto stop = [&](int error, const std::string& where) {
    file = {};
    file.path = with_rest(where, todo);
    found.error = error;
    return found;
  };
  while (!todo.empty()) {
    const std::string part = std::move(todo.back());
    todo.pop_back();
    if (!S_ISDIR(st.st_mode)) return stop(ENOTDIR, at + '/' + part);
    const std::string next = part == "."    ? at
                             : part == ".." ? at.substr(0, std::min(at.rfind('/'), at.size()))
                                            : at + '/' + part;
    if (::lstat(next.empty() && root_.empty() ? "/" : (root_ + next).c_str(), &st) != 0) {
      return stop(errno, next);
    }
    if (!S_ISLNK(st.st_mode)) {
      at = next;
      continue;
    }
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlink((root_ + next).c_str(), target.data(), target.size());
    if (size < 0) return stop(errno, next);
    found.lookup.links.push_back(next);
    if (found.lookup.links.size() > kMaxLinks) return stop(ELOOP, next);
    const std::string text(target.data(), size_t(size));
    if (text.starts_with('/')) at.clear();
    push(todo, text);
    const std::string here = root_ + at;
    if (::lstat(here.empty() ? "/" : here.c_str(), &st) != 0) return stop(errno, at);
  }
  file.path = at.empty() ? "/" : at;
  fill(file, st);
  return found;
}

Result<UniqueFd> RootTree::open(const std::string& canonical) const {
  // O_NONBLOCK: should a pipe stand there, do not wait for its writer.
  UniqueFd fd(::open((root_ + canonical).c_str(),
                     O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return fail_errno("open " + root_ + canonical);
  if (S_ISDIR(st.st_mode)) return fail_errno("open " + root_ + canonical, EISDIR);
  if (!S_ISREG(st.st_mode)) {
    return fail(Errc::kParse, root_ + canonical + " is not a regular file", EACCES);
  }
  return fd;
}

Result<std::string> RootTree::read(const std::string& canonical, size_t most) const {
  const auto fd = open(canonical);
  if (!fd) return fail(fd.error());
  std::string out;
  std::array<char, 65536> buffer;
  while (out.size() < most) {
    const ssize_t n = ::read(fd->get(), buffer.data(), std::min(buffer.size(), most - out.size()));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + root_ + canonical);
    if (n == 0) break;
    out.append(buffer.data(), size_t(n));
  }
  return out;
}

std::vector<std::string> RootTree::list(const std::string& path) const {
  const Found found = find(path);
  if (found.error != 0) return {};
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir((root_ + found.lookup.file.path).c_str()),
                                                ::closedir);
  std::vector<std::string> names;
  if (dir == nullptr) return names;
  while (const dirent* entry = ::readdir(dir.get())) names.emplace_back(entry->d_name);
  return names;
}

}  // namespace fptrace
