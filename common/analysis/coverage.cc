#include "common/analysis/coverage.h"

namespace fptrace {

Result<void> Coverage::on_event(const Event& event) {
  if (const auto* gap = std::get_if<GapEvent>(&event.body)) ++gaps_[gap->what];
  if (std::holds_alternative<TraceEndEvent>(event.body)) ended_ = true;
  return {};
}

std::map<std::string, uint64_t> Coverage::gaps() const {
  auto all = gaps_;
  if (!ended_) ++all["trace cut short"];
  return all;
}

}  // namespace fptrace
