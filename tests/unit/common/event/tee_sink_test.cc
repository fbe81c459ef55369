#include "common/event/tee_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fptrace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Takes events until `full`, which it refuses.
struct Recorder : EventSink {
  explicit Recorder(uint64_t full_at = UINT64_MAX) : full(full_at) {}
  Result<void> on_event(const Event& e) override {
    if (e.seq >= full) return fail(Errc::kIo, "disk full");
    seen.push_back(e.seq);
    return {};
  }
  uint64_t full;
  std::vector<uint64_t> seen;
};

Event event(uint64_t seq) { return {seq, 0, {}, 0, DetachEvent{}}; }

TEST(TeeSink, GivesEveryEventToEverySink) {
  Recorder a, b;
  TeeSink tee;
  tee.add("a", a);
  tee.add("b", b);
  for (uint64_t i = 1; i <= 2; ++i) EXPECT_TRUE(tee.on_event(event(i)));
  EXPECT_THAT(a.seen, ElementsAre(1, 2));
  EXPECT_EQ(a.seen, b.seen);
  EXPECT_TRUE(tee.failures().empty());
}
TEST(TeeSink, OneFailedSinkDoesNotCostTheOthersAnEvent) {
  Recorder a(2), b;
  TeeSink tee;
  tee.add("log", a);
  tee.add("manifest", b);
  std::vector<std::string> told;
  tee.on_failure([&](const TeeSink::Failure& f) { told.push_back(f.sink); });
  for (uint64_t i = 1; i <= 3; ++i) EXPECT_TRUE(tee.on_event(event(i)));
  EXPECT_THAT(a.seen, ElementsAre(1));
  EXPECT_THAT(b.seen, ElementsAre(1, 2, 3));
  EXPECT_THAT(told, ElementsAre("log"));
  ASSERT_EQ(tee.failures().size(), 1u);
  EXPECT_EQ(tee.failures()[0].seq, 2u);
  EXPECT_EQ(tee.failures()[0].error.what, "disk full");
}
TEST(TeeSink, StopsTheReportingWhenNoSinkIsLeft) {
  Recorder a(2), b(2);
  TeeSink tee;
  tee.add("a", a);
  tee.add("b", b);
  EXPECT_TRUE(tee.on_event(event(1)));
  const auto r = tee.on_event(event(2));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().what, "disk full");
  EXPECT_EQ(tee.failures().size(), 2u);
}
TEST(TeeSink, WithoutSinksTakesEverything) { EXPECT_TRUE(TeeSink().on_event(event(1))); }

TEST(CheckNeeds, RefusesNamingAnalysisBackendAndGap) {
  EXPECT_TRUE(check_needs("manifest", Cap::kFiles, "ptrace", Cap::kFiles | Cap::kMaps));
  const auto r =
      check_needs("manifest", Cap::kFiles | Cap::kContent | Cap::kTaint, "log", Cap::kFiles);
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code, Errc::kUnsupported);
  EXPECT_THAT(r.error().what, HasSubstr("manifest"));
  EXPECT_THAT(r.error().what, HasSubstr("'log'"));
  EXPECT_THAT(r.error().what, HasSubstr("contents, taint"));
}

}  // namespace
}  // namespace fptrace
