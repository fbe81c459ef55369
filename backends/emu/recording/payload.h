#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backends/emu/guest/disk_range.h"
#include "common/base/result.h"

namespace fptrace::emu {

// What of this host the guest's disk has, at the paths it has here, with owners, modes and times.
//
// Without a manifest that is: what the program needs to start, by what its files say; what it will
// probably ask for, by what the command and its scripts say (see forecast.h), and what the packages
// of those programs bring, with their dependencies; and the working directory, unless it is large
// or a place for much else. The program is never run on this host, so this can be too little.
struct PayloadRequest {
  std::string program;            // what is executed; seen from `cwd`
  std::vector<std::string> argv;  // what its arguments name is taken too, if it is a regular file
  std::string cwd;
  std::string input_file;               // standard input's; empty: none
  std::optional<std::string> manifest;  // path of one; none: the closure of `program`
  // With all that is below them, and what the programs among them need to start.
  std::vector<std::string> include;
  std::function<void(const std::string&)> warn;  // one sentence; may be null
};

// Writes the disk's contents to the reserved file `path`; what it returns is DiskImage::finish()'s.
Result<std::vector<DiskRange>> write_payload(const std::string& path,
                                             const PayloadRequest& request);

}  // namespace fptrace::emu
