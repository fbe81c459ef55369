#include "tests/support/fake_tracer.h"

#include <gtest/gtest.h>

namespace fptrace::testing {
namespace {

class Collector : public EventSink {
 public:
  Result<void> on_event(const Event& event) override {
    if (event.seq == refuse) return fail(Errc::kIo, "refused");
    seen.push_back(event);
    return {};
  }
  std::vector<Event> seen;
  uint64_t refuse = 0;
};

const std::vector<Event> kEvents = {{1, 0, {}, 0, TraceStartEvent{}},
                                    {2, 5, {7, 1}, 7, ExitEvent{{3, 0}}},
                                    {3, 9, {}, 0, TraceEndEvent{{3, 0}}}};

TEST(FakeTracer, PlaysItsEventsInOrder) {
  FakeTracer tracer(kEvents, Cap::kProcesses, {3, 0});
  Collector sink;
  const auto status = tracer.run({}, sink);
  ASSERT_TRUE(status);
  EXPECT_EQ(*status, (ExitStatus{3, 0}));
  EXPECT_EQ(sink.seen, kEvents);
  EXPECT_EQ(tracer.capabilities(), Cap::kProcesses);
}

TEST(FakeTracer, ReturnsTheErrorOfItsSink) {
  FakeTracer tracer(kEvents);
  Collector sink;
  sink.refuse = 2;
  const auto status = tracer.run({}, sink);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().what, "refused");
  EXPECT_EQ(sink.seen.size(), 1u);
}

TEST(FakeTracer, StopsWhenAsked) {
  FakeTracer tracer(kEvents);
  Collector sink;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(tracer.run({}, sink, stop.get_token()));
  EXPECT_TRUE(sink.seen.empty());
}

}  // namespace
}  // namespace fptrace::testing
