#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/emu/guest/disk_range.h"
#include "common/base/result.h"

namespace fptrace::emu {

// What is known of a file besides its content.
struct FileMeta {
  uint32_t mode = 0;  // permission bits
  uint32_t uid = 0, gid = 0;
  int64_t mtime = 0;  // seconds since the epoch
  uint32_t mtime_ns = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;
};

// The label of a disk whose files are at the paths that they have on the host it was made on.
inline constexpr const char* kHostLabel = "fptrace-host";

// Makes the new file of a disk, all of it a hole. A machine that does not run yet can have it as
// its disk while something is put there.
Result<void> reserve_disk(const std::string& path);

// Gives up to `size` bytes from `offset`; fewer only at the end. Called in order of offsets.
using ContentReader = std::function<Result<size_t>(uint64_t offset, char* out, size_t size)>;

// Makes the guest's root file system, an ext4 image in a file, without being root. Paths are
// absolute and canonical (no links on the way); what a path lies in is made first. Blocks of a file
// that have nothing but zeros take no room (read_disk.h counts on it).
class DiskImage {
 public:
  // An empty one for `bytes` of contents and as much again for what the program writes. `path` is
  // reserved and nothing was written there; what is not used of it takes no room. `label`: of the
  // file system, up to 16 bytes.
  static Result<DiskImage> make(const std::string& path, uint64_t bytes,
                                const std::string& label = {});
  DiskImage(DiskImage&&) noexcept;
  DiskImage& operator=(DiskImage&&) noexcept;
  ~DiskImage();

  // One that is there already gets the new attributes.
  Result<void> directory(const std::string& path, const FileMeta& meta);
  Result<void> file(const std::string& path, const FileMeta& meta, uint64_t size,
                    const ContentReader& read);
  Result<void> symlink(const std::string& path, const FileMeta& meta, const std::string& target);
  Result<void> hard_link(const std::string& path, const std::string& existing);
  bool exists(const std::string& path) const;  // not following a link
  // Following links: whether it is a regular file that somebody may execute.
  bool is_program(const std::string& path) const;

  // Writes what is left to be written. Returns where names and attributes are: in few pieces, which
  // a guest that wants all of them may read at once.
  Result<std::vector<DiskRange>> finish();

 private:
  struct State;
  explicit DiskImage(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace fptrace::emu
