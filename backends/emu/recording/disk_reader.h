#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "common/base/result.h"

struct struct_ext2_filsys;

namespace fptrace::emu {

// Reads files of the disk that a guest began with, by their inode numbers: those are the same in
// the guest. The image may be anybody's. Not thread-safe.
class DiskReader {
 public:
  // `path`: the disk's contents, an ext4 file system. It is not written to.
  static Result<DiskReader> open(const std::string& path);

  // Whether it has files of the host that it was made on (see payload.h), and not a root of its
  // own.
  bool is_of_host() const;
  // Whether anything has this path, not following a link that it is. Absolute and canonical.
  bool has(const std::string& path) const;
  // Of a directory; nullopt: there is none.
  std::optional<std::set<std::string>> names(const std::string& path) const;

  struct File {
    uint64_t size = 0;     // bytes
    int64_t mtime_ns = 0;  // since the epoch
  };
  // nullopt: no regular file has that number.
  std::optional<File> file(uint64_t inode) const;
  // How many bytes there were at `offset`; 0 at the end. kUnsupported: the recording does not have
  // this file, because the guest never read of it.
  Result<size_t> read(uint64_t inode, uint64_t offset, std::span<char> out) const;

 private:
  struct Close {
    void operator()(struct_ext2_filsys* fs) const;
  };
  explicit DiskReader(struct_ext2_filsys* fs) : fs_(fs) {}
  std::unique_ptr<struct_ext2_filsys, Close> fs_;
};

}  // namespace fptrace::emu
