#pragma once
#include <utility>
#include <vector>

#include "common/event/tracer.h"

namespace fptrace::testing {

// A Tracer that plays a list of events, numbered as given.
class FakeTracer : public Tracer {
 public:
  explicit FakeTracer(std::vector<Event> events,
                      Cap capabilities = Cap::kProcesses | Cap::kFiles | Cap::kMaps |
                                         Cap::kSignals | Cap::kContent,
                      ExitStatus status = {})
      : events_(std::move(events)), capabilities_(capabilities), status_(status) {}

  Cap capabilities() const override { return capabilities_; }
  Result<ExitStatus> run(const Command& cmd, EventSink& sink, std::stop_token stop = {}) override;

 private:
  std::vector<Event> events_;
  Cap capabilities_;
  ExitStatus status_;
};

}  // namespace fptrace::testing
