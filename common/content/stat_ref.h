#pragma once
#include <sys/stat.h>

#include <cstdint>

#include "common/event/event.h"

namespace fptrace {

inline int64_t nanoseconds(const timespec& t) {
  return int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

// What stat(2) tells of a file; its path and mount are left as they are.
inline void fill(FileRef& file, const struct stat& st) {
  file.dev = st.st_dev;
  file.ino = st.st_ino;
  file.mode = st.st_mode;
  file.nlink = uint32_t(st.st_nlink);
  file.size = uint64_t(st.st_size);
  file.mtime_ns = nanoseconds(st.st_mtim);
  file.ctime_ns = nanoseconds(st.st_ctim);
}

}  // namespace fptrace
