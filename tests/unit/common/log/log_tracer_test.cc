#include "common/log/log_tracer.h"

#include <gmock/gmock.h>

#include "tests/unit/common/log/log_files.h"
#include "tests/unit/common/log/sample_events.h"

namespace fptrace::testing {
namespace {

using ::testing::HasSubstr;

struct Collector : EventSink {
  Result<void> on_event(const Event& e) override {
    if (e.seq == refuse) return fail(Errc::kIo, "enough");
    events.push_back(e);
    if (e.seq == stop_at) stop.request_stop();
    return {};
  }
  std::vector<Event> events;
  uint64_t refuse = 0, stop_at = 0;
  std::stop_source stop;
};

TEST(LogTracer, GivesTheRecordedEventsStatusAndCapabilitiesAgainAndAgain) {
  const ScratchDir dir;
  write_log(dir / "a.fplog", sample_events(), 5);
  const auto tracer = make_log_tracer(dir / "a.fplog");
  ASSERT_TRUE(tracer) << tracer.error().what;
  EXPECT_EQ((*tracer)->capabilities(), Cap::kProcesses | Cap::kFiles);
  for (int round = 0; round < 2; ++round) {
    Collector sink;
    const auto status = (*tracer)->run({}, sink);
    ASSERT_TRUE(status) << status.error().what;
    EXPECT_EQ(*status, (ExitStatus{3, 0}));
    EXPECT_EQ(sink.events, sample_events());
  }
}

TEST(LogTracer, CutShortLogGivesItsEventsThenTheError) {
  const ScratchDir dir;
  auto events = sample_events();
  events.pop_back();
  write_log(dir / "a.fplog", events, 5, false);
  Collector sink;
  const auto status = (*make_log_tracer(dir / "a.fplog"))->run({}, sink);
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().what,
              HasSubstr("cut short after event " + std::to_string(events.size())));
  EXPECT_EQ(sink.events, events);
}

TEST(LogTracer, PassesTheSinksErrorOn) {
  const ScratchDir dir;
  write_log(dir / "a.fplog", sample_events());
  Collector sink;
  sink.refuse = 3;
  EXPECT_EQ((*make_log_tracer(dir / "a.fplog"))->run({}, sink).error().what, "enough");
  EXPECT_EQ(sink.events.size(), 2U);
}

TEST(LogTracer, StopsOnRequest) {
  const ScratchDir dir;
  write_log(dir / "a.fplog", sample_events());
  Collector sink;
  sink.stop_at = 4;
  const auto status = (*make_log_tracer(dir / "a.fplog"))->run({}, sink, sink.stop.get_token());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().what, "replay of the event log stopped after event 4");
}

TEST(LogTracer, MissingLogIsAnErrorBeforeTheRun) { EXPECT_FALSE(make_log_tracer("/no/such/log")); }

}  // namespace
}  // namespace fptrace::testing
