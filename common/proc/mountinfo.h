#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fptrace {

// One line of /proc/PID/mountinfo (proc(5)). Paths are bytes, the kernel's octal escapes undone.
struct Mount {
  uint64_t id = 0, parent = 0;
  uint32_t dev_major = 0, dev_minor = 0;
  std::string root;         // which directory of the file system is mounted
  std::string mount_point;  // where, seen from the reading process's root
  std::string fstype;
  std::string super_options;  // "rw,lowerdir=...,upperdir=..."
  bool operator==(const Mount&) const = default;
};

// Pure. Errors name the 1-based line and the column.
Result<std::vector<Mount>> parse_mountinfo(std::string_view text);

// Pure: upperdir, then the lowerdirs, of an overlay's mount options; uppermost first
// (Documentation/filesystems/overlayfs.rst). A colon inside a name is written "\:".
std::vector<std::string> overlay_layers(const std::string& options);

}  // namespace fptrace
