#include "common/content/input_store.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "common/base/text.h"
#include "common/content/sha256.h"

namespace fptrace {
namespace {

Result<void> copy_by_hand(int from, int to, off_t at) {
  thread_local std::array<char, 65536> block;
  for (;;) {
    const ssize_t n = ::pread(from, block.data(), block.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read an input to be saved");
    if (n == 0) return {};
    for (ssize_t done = 0; done < n;) {
      const ssize_t w = ::pwrite(to, block.data() + done, size_t(n - done), at + done);
      if (w < 0 && errno == EINTR) continue;
      if (w < 0) return fail_errno("save an input");
      done += w;
    }
    at += n;
  }
}

// Every way may be refused by a file system; the last one never is.
Result<void> copy(int from, int to) {
  if (::ioctl(to, FICLONE, from) == 0) return {};
  off_t in = 0, out = 0;
  constexpr size_t kAtOnce = 1 << 30;
  ssize_t n = 0;
  while ((n = ::copy_file_range(from, &in, to, &out, kAtOnce, 0)) > 0) {}
  // A copy of nothing may also mean that the kernel does not know the file's size.
  return copy_by_hand(from, to, out);
}

}  // namespace

Result<InputStore> InputStore::open(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("make " + directory);
  UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + directory);
  if (::faccessat(fd.get(), ".", W_OK | X_OK, AT_EACCESS) != 0)
    return fail_errno("write to " + directory);
  return InputStore(std::move(fd));
}

Result<void> InputStore::save(int fd) const {
  // One at a time, by the tracer's thread; not O_TMPFILE, which some file systems lack.
  const std::string draft = ".saving-" + std::to_string(::getpid());
  constexpr int kFlags = O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  const UniqueFd to(::openat(directory_.get(), draft.c_str(), kFlags, 0600));
  if (!to) return fail_errno("save an input");
  Result<void> done = copy(fd, to.get());
  const auto digest = done ? sha256_of(to.get()) : Result<Sha256>(fail(done.error()));
  if (!digest) done = fail(digest.error());
  const int dir = directory_.get();
  if (done && ::renameat(dir, draft.c_str(), dir, to_hex(*digest).c_str()) != 0)
    done = fail_errno("save an input");
  if (!done) ::unlinkat(dir, draft.c_str(), 0);
  return done;
}

}  // namespace fptrace
