#pragma once
#include <string_view>

#include "common/base/result.h"
#include "fingerprint/pack/plan.h"

namespace fptrace::pack {

// Takes the entries of a plan in order. For each: begin(), then for a regular file that is no hard
// link its content from start to end through data() and hole(), which add up to its size, then
// end(). An error ends it all; nothing must be left then but what finish() would have completed.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual Result<void> begin(const PackEntry& entry) = 0;
  virtual Result<void> data(std::string_view bytes) = 0;
  virtual Result<void> hole(uint64_t length) = 0;  // that many zeros
  virtual Result<void> end() = 0;
  virtual Result<void> finish() = 0;
};

}  // namespace fptrace::pack
