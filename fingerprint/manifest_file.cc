#include "fingerprint/manifest_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>
#include <optional>

#include "common/base/unique_fd.h"

namespace fptrace {
namespace {

constexpr size_t kMaxManifest = 1u << 30;

// Where the content is to go: links are followed, so that they stay links.
struct Place {
  std::string path;
  std::string directory;
  bool replace = true;              // false: not a regular file, written to as it is
  std::optional<mode_t> mode = {};  // of the file that is replaced
};

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

Result<Place> find_place(const std::string& path) {
  if (path.empty() || path.ends_with('/')) {
    return fail(Errc::kIo, "write \"" + path + "\": not the name of a file");
  }
  struct stat st;
  if (::stat(path.c_str(), &st) != 0) {
    if (errno != ENOENT) return fail_errno("write " + path);
    return Place{path, directory_of(path)};
  }
  if (S_ISDIR(st.st_mode)) return fail_errno("write " + path, EISDIR);
  if (!S_ISREG(st.st_mode)) return Place{path, "", false};
  std::array<char, PATH_MAX> real;
  if (::realpath(path.c_str(), real.data()) == nullptr) return fail_errno("write " + path);
  return Place{real.data(), directory_of(real.data()), true, st.st_mode & 07777};
}

Result<void> write_all(int fd, std::string_view data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write " + path);
    data.remove_prefix(size_t(n));
  }
  return {};
}

// A new file beside the place that goes away unless it is committed.
class Draft {
 public:
  static Result<Draft> make(const Place& place) {
    Draft d;
    d.name_ = place.directory + "/.fptrace-XXXXXX";
    d.fd_ = UniqueFd(::mkostemp(d.name_.data(), O_CLOEXEC));
    if (!d.fd_) {
      const int error = errno;
      d.name_.clear();
      return fail_errno("write " + place.path, error);
    }
    return d;
  }
  Draft(Draft&& o) noexcept : name_(std::exchange(o.name_, "")), fd_(std::move(o.fd_)) {}
  ~Draft() {
    if (!name_.empty()) ::unlink(name_.c_str());
  }
  int fd() const { return fd_.get(); }
  Result<void> commit(const std::string& path) {
    if (::rename(name_.c_str(), path.c_str()) != 0) return fail_errno("write " + path);
    name_.clear();
    return {};
  }

 private:
  Draft() = default;
  std::string name_;
  UniqueFd fd_;
};

// mkstemp(3) makes it private; a manifest gets what open(2) would have given.
mode_t new_file_mode() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

}  // namespace

Result<void> check_writable(const std::string& path) {
  const auto place = find_place(path);
  if (!place) return fail(place.error());
  if (!place->replace) {
    if (::access(path.c_str(), W_OK) != 0) return fail_errno("write " + path);
    return {};
  }
  const auto draft = Draft::make(*place);
  if (!draft) return fail(draft.error());
  return {};
}

Result<void> write_manifest(const std::string& path, ManifestFormat format, const Manifest& m) {
  return write_whole_file(path, format == ManifestFormat::kJson ? to_json(m) : to_pb(m));
}

Result<void> write_whole_file(const std::string& path, std::string_view data) {
  const auto place = find_place(path);
  if (!place) return fail(place.error());
  if (!place->replace) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return fail_errno("write " + path);
    return write_all(fd.get(), data, path);
  }
  auto draft = Draft::make(*place);
  if (!draft) return fail(draft.error());
  if (::fchmod(draft->fd(), place->mode.value_or(new_file_mode())) != 0) {
    return fail_errno("write " + path);
  }
  if (auto r = write_all(draft->fd(), data, path); !r) return r;
  return draft->commit(place->path);
}

Result<Manifest> read_manifest(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  std::string text;
  std::array<char, 65536> buffer;
  for (ssize_t n; (n = ::read(fd.get(), buffer.data(), buffer.size())) != 0;) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + path);
    text.append(buffer.data(), size_t(n));
    if (text.size() > kMaxManifest) return fail(Errc::kParse, path + ": too large");
  }
  // A protobuf manifest begins with the tag of its first field, 0x0a: the newline, which JSON may
  // begin with as well; what follows it is the length of the schema's name.
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool json = first == text.npos || text[first] == '{' || text[0] != '\n';
  auto m = json ? manifest_from_json(text) : manifest_from_pb(text);
  if (!m) return fail(m.error().code, path + ": " + m.error().what);
  return m;
}

}  // namespace fptrace
