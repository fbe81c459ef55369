#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace fptrace::emu {

// What of this host the guest's disk has, at the paths it has here, with owners, modes and times.
struct PayloadRequest {
  std::string program;            // what is executed; seen from `cwd`
  std::vector<std::string> argv;  // what its arguments name is taken too, if it is a regular file
  std::string cwd;
  std::string input_file;                        // standard input's; empty: none
  std::optional<std::string> manifest;           // path of one; none: the closure of `program`
  std::vector<std::string> include;              // with all that is below them
  std::function<void(const std::string&)> warn;  // one sentence; may be null
};

// Writes the disk's contents to the new file `path`.
Result<void> write_payload(const std::string& path, const PayloadRequest& request);

// The same of a whole root: a directory, or an archive (tar, cpio, compressed or not). Returns the
// path at which `program` is to be executed there, as execvp(3) with the variable PATH's `search`
// finds it; kTracee with the errno when it is not there.
Result<std::string> write_rootfs_payload(const std::string& path, const std::string& rootfs,
                                         const std::string& program, const std::string& search);

// The file that execvp(3) would run on this host. Errors: kTracee with the errno.
Result<std::string> find_host_program(const std::string& name);

}  // namespace fptrace::emu
