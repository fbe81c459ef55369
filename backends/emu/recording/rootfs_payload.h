#pragma once
#include <string>

#include "common/base/result.h"

namespace fptrace::emu {

// Writes the new file `path`: a disk with all of a root, which is a directory or an archive (tar,
// cpio, compressed or not). Returns the path at which `program` is to be executed there, as
// execvp(3) with the variable PATH's `search` finds it; kTracee with the errno when it is not
// there.
Result<std::string> write_rootfs_payload(const std::string& path, const std::string& rootfs,
                                         const std::string& program, const std::string& search);

}  // namespace fptrace::emu
