#include "fingerprint/pack/output.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace fptrace::pack {
namespace {

namespace fs = std::filesystem;

std::string without_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

bool is_there(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

// Directories of a package may forbid their owner to write.
void remove_tree(const std::string& path) {
  std::error_code ignored;
  if (fs::remove_all(path, ignored) != std::uintmax_t(-1) && !is_there(path)) return;
  for (fs::recursive_directory_iterator it(path, ignored), end; it != end; it.increment(ignored))
    if (!it->is_symlink(ignored) && it->is_directory(ignored))
      fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
  fs::remove_all(path, ignored);
}

mode_t new_mode(mode_t all) {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return all & ~mask;
}

}  // namespace

Result<void> Output::check_replaceable() const {
  struct stat st {};
  if (::lstat(path_.c_str(), &st) != 0) return {};
  if (!force_) return fail(Errc::kIo, path_ + " is there already; --force replaces it", EEXIST);
  if (kind_ == Kind::kFile) {
    if (S_ISREG(st.st_mode)) return {};
    return fail(Errc::kIo, path_ + " is not a regular file; name another one", EEXIST);
  }
  std::error_code error;
  const bool empty = S_ISDIR(st.st_mode) && fs::is_empty(path_, error);
  if (S_ISDIR(st.st_mode) && (empty || is_there(path_ + "/" + mark_))) return {};
  return fail(Errc::kIo, path_ + " is not a package of this kind; name another place, or remove it",
              EEXIST);
}

Result<Output> Output::make(const std::string& path, Kind kind, bool force, std::string mark) {
  Output o;
  o.path_ = without_slashes(path);
  o.kind_ = kind;
  o.force_ = force;
  o.mark_ = std::move(mark);
  if (auto ok = o.check_replaceable(); !ok) return fail(ok.error());
  const size_t slash = o.path_.rfind('/');
  const std::string beside = slash == std::string::npos ? "" : o.path_.substr(0, slash + 1);
  std::string draft = beside + ".fptrace-pack-XXXXXX";
  if (kind == Kind::kFile) {
    o.fd_ = UniqueFd(::mkostemp(draft.data(), O_CLOEXEC));
    if (!o.fd_) return fail_errno("write " + path);
    o.draft_ = draft;
    // mkstemp(3) makes it private; the package gets what open(2) would have given.
    if (::fchmod(o.fd_.get(), new_mode(0666)) != 0) return fail_errno("write " + path);
  } else {
    if (::mkdtemp(draft.data()) == nullptr) return fail_errno("write " + path);
    o.draft_ = draft;
  }
  return o;
}

Output::Output(Output&& o) noexcept
    : path_(std::move(o.path_)),
      draft_(std::exchange(o.draft_, "")),
      mark_(std::move(o.mark_)),
      kind_(o.kind_),
      force_(o.force_),
      fd_(std::move(o.fd_)) {}

Output::~Output() {
  if (!draft_.empty()) remove_tree(draft_);
}

Result<void> Output::commit() {
  if (kind_ == Kind::kDirectory && ::chmod(draft_.c_str(), new_mode(0777)) != 0)
    return fail_errno("write " + path_);
  if (::renameat2(AT_FDCWD, draft_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) {
    draft_.clear();
    return {};
  }
  if (errno != EEXIST && errno != EINVAL && errno != ENOSYS) return fail_errno("write " + path_);
  if (auto ok = check_replaceable(); !ok) return ok;
  if (kind_ == Kind::kDirectory && is_there(path_)) {
    // What was there is removed under the draft's name.
    if (::renameat2(AT_FDCWD, draft_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) != 0)
      return fail_errno("replace " + path_);
    return {};
  }
  if (::rename(draft_.c_str(), path_.c_str()) != 0) return fail_errno("write " + path_);
  draft_.clear();
  return {};
}

Result<void> write_new_file(const std::string& path, std::string_view content, unsigned mode) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd) return fail_errno("write " + path);
  while (!content.empty()) {
    const ssize_t n = ::write(fd.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write " + path);
    content.remove_prefix(size_t(n));
  }
  return {};
}

}  // namespace fptrace::pack
