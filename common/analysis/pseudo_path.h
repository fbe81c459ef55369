#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fptrace {

// Files that the kernel makes up: under /proc, /sys and /dev (but not /dev/shm, which is a real
// file system). They have no content to hash or to package.
bool is_pseudo_path(std::string_view path);
// "pipe:[1]", "socket:[1]", "anon_inode:[eventfd]", "memfd:x": a file without a path.
inline bool is_anonymous(std::string_view path) { return !path.empty() && path[0] != '/'; }

// Takes out of a pseudo path what differs from run to run: the number of a traced process becomes
// "self", that of another one (but 1) "[pid]", that of a traced thread "[tid]", a pseudo-terminal
// "/dev/pts/[n]". Other paths come back as they are.
class PseudoPaths {
 public:
  void add_traced(int32_t tid);
  bool is_traced(int64_t tid) const {
    return tid >= 0 && size_t(tid) < traced_.size() && traced_[size_t(tid)];
  }
  std::string canonical(std::string_view path) const;
  // Whether the path belongs to a process outside the trace, which comes and goes as it likes.
  bool of_stranger(std::string_view path) const;

 private:
  std::vector<bool> traced_;  // by tid; the kernel has at most 2^22 of them
};

}  // namespace fptrace
