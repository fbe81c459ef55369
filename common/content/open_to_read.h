#pragma once
#include <sys/stat.h>

#include <cstdint>
#include <string>

namespace fptrace {

// A descriptor, or -1 with errno. Of any length of path; never waits for a FIFO's other end.
int open_to_read(const std::string& path, int extra_flags);

inline int64_t nanoseconds(const timespec& t) { return t.tv_sec * 1'000'000'000 + t.tv_nsec; }

}  // namespace fptrace
