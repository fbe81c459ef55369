#pragma once
#include <cstdint>

#include "backends/emu/plugin/pair_map.h"

namespace fptrace::emu {

// Numbers tasks, so that what is remembered of one is not taken for another's that has its address
// later, or for the program's that it becomes by an exec. The host says when a life is over
// (RequestKind::kNewLife).
class TaskLives {
 public:
  // From 1 on.
  uint64_t life(uint64_t task) {
    uint64_t& number = lives_.at(task, 0);
    if (number == 0) number = ++last_;
    return number;
  }
  void renew(uint64_t task) { lives_.at(task, 0) = ++last_; }

 private:
  PairMap lives_;
  uint64_t last_ = 0;
};

}  // namespace fptrace::emu
