#pragma once
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"
#include "common/event/event.h"

namespace fptrace {

// A directory that keeps the contents of input files which a run is about to change, each under its
// SHA-256 in hex: what a package needs, and what is on the disk no longer when the run is over.
class InputStore {
 public:
  // The directory is made if it is not there (its parent is), readable by its owner only, as the
  // contents may be secret.
  static Result<InputStore> open(const std::string& directory);

  // Copies all that can be read from `fd`; its position is not used. Shares the blocks of the
  // original where the file system can. Blocks for as long as the copying takes.
  Result<void> save(int fd) const;

 private:
  explicit InputStore(UniqueFd directory) : directory_(std::move(directory)) {}
  UniqueFd directory_;
};

}  // namespace fptrace
