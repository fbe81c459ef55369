#pragma once
#include <string>

#include "backends/emu/image/private_directory.h"
#include "common/base/result.h"

namespace fptrace::cli {

// An event log that a command was given, or the one that a recording stands for.
class LogSource {
 public:
  // A recording is replayed, in silence, to a log of its own that lasts as long as this. Anything
  // else is taken for a log, and not looked at. `openers`: the log of a recording has them.
  static Result<LogSource> of(const std::string& path, bool openers = false);

  const std::string& path() const { return path_; }

 private:
  explicit LogSource(std::string path) : path_(std::move(path)) {}

  std::string path_;
  emu::PrivateDirectory directory_;
};

}  // namespace fptrace::cli
