#include "tests/support/fake_tracer.h"

namespace fptrace::testing {

Result<ExitStatus> FakeTracer::run(const Command&, EventSink& sink, std::stop_token stop) {
  for (const Event& event : events_) {
    if (stop.stop_requested()) break;
    // The traced program would go on to its end; here that changes nothing any more.
    if (auto taken = sink.on_event(event); !taken) return fail(taken.error());
  }
  return status_;
}

}  // namespace fptrace::testing
