#include "common/analysis/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/analysis/trace_script.h"

namespace fptrace {
namespace {

using test::TraceScript;
using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Coverage, CountsGapsByName) {
  TraceScript t;
  t.add({}, GapEvent{"io_uring_enter", "fd 3"});
  t.add({}, GapEvent{"syscall 999", ""});
  t.add({}, GapEvent{"io_uring_enter", "fd 4"});
  t.end();
  Coverage c;
  EXPECT_THAT(t.feed(c).gaps(), ElementsAre(Pair("io_uring_enter", 2), Pair("syscall 999", 1)));
}

TEST(Coverage, TraceWithoutItsEndIsAGap) {
  TraceScript t;
  Coverage c;
  EXPECT_THAT(t.feed(c).gaps(), ElementsAre(Pair("trace cut short", 1)));
}

}  // namespace
}  // namespace fptrace
