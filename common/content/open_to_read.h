#pragma once
#include <string>

namespace fptrace {

// A descriptor, or -1 with errno. Of any length of path; never waits for a FIFO's other end.
int open_to_read(const std::string& path, int extra_flags);

}  // namespace fptrace
