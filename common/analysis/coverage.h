#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "common/event/tracer.h"

namespace fptrace {

// Counts what the trace could not tell (DESIGN, truth rule 1).
class Coverage : public Analysis {
 public:
  Cap needs() const override { return Cap::kNone; }
  Result<void> on_event(const Event& event) override;

  // Name of the gap -> how often. A trace without its end is a gap of its own.
  std::map<std::string, uint64_t> gaps() const;

 private:
  std::map<std::string, uint64_t> gaps_;
  bool ended_ = false;
};

}  // namespace fptrace
