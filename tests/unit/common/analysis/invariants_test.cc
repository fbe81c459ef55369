#include "common/analysis/invariants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/analysis/trace_script.h"

namespace fptrace {
namespace {

using test::TraceScript;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Violation> check(const TraceScript& t) {
  Invariants i;
  return t.feed(i).violations();
}

TEST(Invariants, SoundTraceHasNoViolation) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/a"));
  t.add(a, ThreadEvent{150, 0});
  t.events.push_back({t.events.size() + 1, 0, a, 150, OpenEvent{}});
  t.add(a, ThreadExitEvent{150});
  const ProcessKey b = t.fork(a);
  t.exec(b, t.program("/b"));
  t.exit(b);
  t.input(t.program("/x"), 1);
  t.exit(a);
  t.add({}, GapEvent{"x", ""});
  t.end();
  EXPECT_THAT(check(t), IsEmpty());
}

TEST(Invariants, NothingHappensAfterAnExit) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/a"));
  t.exit(a);
  t.open(a, t.file("/x"));
  t.end();
  EXPECT_THAT(check(t), ElementsAre(Violation{4, "event of process 100#1 after its end"}));
}

TEST(Invariants, ForkComesBeforeTheChildsFirstEvent) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/a"));
  t.open({101, 2}, t.file("/x"));
  t.exit({101, 2});
  t.exit(a);
  t.end();
  EXPECT_THAT(check(t), ElementsAre(Violation{3, "event of process 101#2 before its fork"}));
}

TEST(Invariants, NoProcessBeginsTwice) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/a"));
  t.add(a, ForkEvent{{101, 2}, 0});
  t.add(a, ForkEvent{{101, 2}, 0});
  t.exit({101, 2});
  t.exit(a);
  t.end();
  EXPECT_THAT(check(t), ElementsAre(Violation{4, "process 101#2 begins twice"}));
}

TEST(Invariants, SequenceHasNoGaps) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/a"));
  t.exit(a);
  t.end();
  t.events[1].seq = 7;
  EXPECT_THAT(check(t), ElementsAre(Violation{7, "sequence number 7 after 1"},
                                    Violation{3, "sequence number 3 after 7"}));
}

TEST(Invariants, TraceStartsOnceAndFirst) {
  TraceScript t(false);
  t.add({}, GapEvent{"x", ""});
  t.add({}, TraceStartEvent{});
  t.end();
  EXPECT_THAT(check(t), ElementsAre(Violation{1, "event before the start of the trace"},
                                    Violation{2, "a second start of the trace"}));
}

TEST(Invariants, NothingComesAfterTheEnd) {
  TraceScript t;
  t.end();
  t.add({}, GapEvent{"x", ""});
  EXPECT_THAT(check(t), ElementsAre(Violation{3, "event after the end of the trace"}));
}

TEST(Invariants, NoProcessOutlivesTheTrace) {
  TraceScript t;
  t.start(t.program("/a"));
  t.end();
  EXPECT_THAT(check(t), ElementsAre(Violation{3, "the trace ends while process 100#1 lives"}));
}

TEST(Invariants, ThreadsActOnlyWhileTheyLive) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/a"));
  t.events.push_back({3, 0, a, 150, OpenEvent{}});
  t.add(a, ThreadEvent{150, 0});
  t.exec(a, t.program("/b"));  // ends all other threads
  t.events.push_back({6, 0, a, 150, OpenEvent{}});
  t.add(a, ThreadExitEvent{150});
  t.exit(a);
  t.end();
  EXPECT_THAT(check(t), ElementsAre(Violation{3, "thread 150 is not of process 100#1"},
                                    Violation{6, "thread 150 is not of process 100#1"},
                                    Violation{7, "end of thread 150 that never began"}));
}

TEST(Invariants, EventsOfFilesBelongToAProcess) {
  TraceScript t;
  t.add({}, OpenEvent{});
  t.end();
  EXPECT_THAT(check(t), ElementsAre(Violation{2, "event of no process"}));
}

TEST(Invariants, FailedOpenMakesNothing) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/a"));
  OpenEvent e;
  e.error = EACCES;
  e.created = true;
  t.add(a, e);
  t.exit(a);
  t.end();
  EXPECT_THAT(check(t), ElementsAre(Violation{3, "a failed open made a file or a descriptor"}));
}

TEST(Invariants, AttachedProcessesNeedNoFork) {
  TraceScript t;
  t.add({50, 1}, AttachEvent{{}, {50, 51}});
  t.events.push_back({3, 0, {50, 1}, 51, OpenEvent{}});
  t.add({50, 1}, DetachEvent{});
  t.end();
  EXPECT_THAT(check(t), IsEmpty());
}

TEST(Invariants, KeepsOnlySoManyButCountsAll) {
  TraceScript t(false);
  for (size_t i = 0; i < 1500; ++i) t.events.push_back({9, 0, {}, 0, GapEvent{}});
  Invariants i;
  t.feed(i);
  EXPECT_EQ(i.violations().size(), Invariants::kMaxKept);
  EXPECT_GE(i.count(), 1500u);
}

}  // namespace
}  // namespace fptrace
