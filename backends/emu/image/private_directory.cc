#include "backends/emu/image/private_directory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>

namespace fptrace::emu {
namespace {

constexpr char kPrefix[] = ".fptrace-emu-";

// Its maker holds a lock on it as long as it lives.
bool is_orphan(const std::filesystem::path& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != ::geteuid())
    return false;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  return fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

void remove_orphans(const std::string& where) {
  std::error_code error;
  std::filesystem::directory_iterator entries(where, error), end;
  for (; !error && entries != end; entries.increment(error)) {
    if (!entries->path().filename().string().starts_with(kPrefix)) continue;
    std::error_code ignored;
    if (is_orphan(entries->path())) std::filesystem::remove_all(entries->path(), ignored);
  }
}

uint64_t room(const std::string& where) {
  struct statvfs st {};
  if (::statvfs(where.c_str(), &st) != 0) return 0;
  return uint64_t(st.f_bavail) * st.f_frsize;
}

}  // namespace

Result<PrivateDirectory> PrivateDirectory::make(const std::string& where) {
  remove_orphans(where);
  PrivateDirectory made;
  // A sweep can take it between the two calls; then there is another name.
  for (int tries = 0; tries < 8; ++tries) {
    std::string path = where + "/" + kPrefix + "XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return fail_errno("make a directory in " + where);
    UniqueFd lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat st {};
    if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 || ::stat(path.c_str(), &st) != 0)
      continue;
    made.path_ = std::move(path);
    made.lock_ = std::move(lock);
    return made;
  }
  return fail(Errc::kIo, "cannot make a directory in " + where);
}

PrivateDirectory::~PrivateDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

void PrivateDirectory::release() {
  path_.clear();
  lock_ = UniqueFd();
}

std::string temporary_directory() {
  const char* env = ::getenv("TMPDIR");
  return env != nullptr && *env == '/' ? env : "/tmp";
}

std::string memory_directory(uint64_t bytes, const std::string& otherwise) {
  constexpr char kMemory[] = "/dev/shm";
  constexpr uint64_t kLeave = 64u << 20;
  return ::access(kMemory, W_OK) == 0 && room(kMemory) >= bytes + kLeave ? kMemory : otherwise;
}

Result<void> check_room(const std::string& where, uint64_t bytes) {
  const uint64_t free = room(where);
  if (free >= bytes) return {};
  return fail(Errc::kIo,
              where + " has " + std::to_string(free >> 20) + " MiB free and " +
                  std::to_string(bytes >> 20) + " MiB are needed; make room, or set TMPDIR",
              ENOSPC);
}

}  // namespace fptrace::emu
