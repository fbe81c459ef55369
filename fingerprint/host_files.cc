#include "fingerprint/host_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>

#include "common/base/unique_fd.h"
#include "common/content/stat_ref.h"

namespace fptrace {
namespace {

constexpr size_t kMaxText = 16 << 20;  // of a loader, its cache or its configuration

// Not open when the file is not the one that `file` tells of.
UniqueFd open_same(const std::string& root, bool of_a_guest, const FileRef& file) {
  const std::string& path = file.source.starts_with('/') ? file.source : file.path;
  if (!path.starts_with('/')) return {};
  // O_NONBLOCK: should a pipe stand there by now, do not wait for its writer.
  UniqueFd fd(::open((root + path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat st;
  if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return {};
  const int64_t mtime = nanoseconds(st.st_mtim);
  const bool other_numbers = of_a_guest || !root.empty();
  const bool same_file = other_numbers || (st.st_dev == file.dev && st.st_ino == file.ino);
  if (!same_file || uint64_t(st.st_size) != file.size || mtime != file.mtime_ns) return {};
  return fd;
}

}  // namespace

const HostFiles::Entry& HostFiles::entry(const FileRef& file) {
  const auto [it, added] = entries_.try_emplace({id_of(file), file.path});
  if (!added || !read_elf_) return it->second;
  const UniqueFd fd = open_same(root_, of_a_guest_, file);
  if (!fd) return it->second;
  it->second.readable = true;
  if (auto elf = read_elf(fd.get())) it->second.elf = std::move(*elf);
  return it->second;
}

const ElfIdentity* HostFiles::elf(const FileRef& file) {
  const Entry& e = entry(file);
  return e.elf ? &*e.elf : nullptr;
}

std::optional<LinkInfo> HostFiles::link_info(const FileRef& file) {
  const Entry& e = entry(file);
  if (!e.readable) return std::nullopt;
  if (!e.elf) {
    LinkInfo none;
    none.elf = false;
    return none;
  }
  const ElfIdentity& elf = *e.elf;
  return LinkInfo{true,           !elf.interpreter.empty(),
                  elf.soname,     elf.needed,
                  elf.rpath,      elf.runpath,
                  elf.no_default, {elf.is_64, elf.little_endian, elf.machine, elf.flags}};
}

std::optional<std::string> HostFiles::text(const FileRef& file) {
  const UniqueFd fd = open_same(root_, of_a_guest_, file);
  if (!fd) return std::nullopt;
  std::string out;
  std::array<char, 4096> buffer;
  while (out.size() < kMaxText) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) break;
    out.append(buffer.data(), size_t(n));
  }
  return out;
}

std::string HostFiles::real_path(const std::string& path) {
  // Links in another root would have to be followed within it.
  std::array<char, PATH_MAX> real;
  if (!root_.empty() || ::realpath(path.c_str(), real.data()) == nullptr) return path;
  return real.data();
}

}  // namespace fptrace
