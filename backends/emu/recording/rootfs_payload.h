#pragma once
#include <string>
#include <vector>

#include "backends/emu/guest/disk_range.h"
#include "common/base/result.h"

namespace fptrace::emu {

struct RootfsPayload {
  std::string program;              // the path at which it is to be executed there
  std::vector<DiskRange> metadata;  // see DiskImage::finish()
};

// Writes the new file `path`: a disk with all of a root, which is a directory or an archive (tar,
// cpio, compressed or not). `program` is found there as execvp(3) with the variable PATH's `search`
// finds it; kTracee with the errno when it is not there.
Result<RootfsPayload> write_rootfs_payload(const std::string& path, const std::string& rootfs,
                                           const std::string& program, const std::string& search);

}  // namespace fptrace::emu
