#include "common/analysis/process_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/analysis/trace_script.h"

namespace fptrace {
namespace {

using test::TraceScript;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::pair<uint32_t, size_t>> order(const ProcessHistory& h) {
  std::vector<std::pair<uint32_t, size_t>> out;
  for (const TreePlace& p : tree_order(h.tree())) {
    out.emplace_back(h.tree().processes()[p.index].key.serial, p.depth);
  }
  return out;
}

TEST(ProcessHistory, KeepsEveryProgramOfAProcess) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/bin/env"));
  t.exec(a, t.program("/bin/ls"));
  ExecEvent failed;
  failed.error = ENOENT;
  t.add(a, failed);
  const ProcessKey b = t.fork(a);
  ProcessHistory h;
  t.feed(h);
  ASSERT_EQ(h.steps(a).size(), 2u);
  EXPECT_EQ(h.steps(a)[0].program, "/bin/env");
  EXPECT_EQ(h.steps(a)[1].program, "/bin/ls");
  EXPECT_THAT(h.steps(b), IsEmpty());
}
TEST(ProcessHistory, ScriptHasItsInterpreter) {
  TraceScript t;
  ExecEvent e;
  e.program = TraceScript::at(t.program("/w/x.sh"));
  e.interpreters = {TraceScript::at(t.program("/bin/dash"))};
  e.argv = {"/bin/dash", "/w/x.sh"};
  t.add({100, 1}, e);
  ProcessHistory h;
  const ExecStep step = t.feed(h).steps({100, 1}).at(0);
  EXPECT_EQ(step.program, "/w/x.sh");
  EXPECT_EQ(step.interpreter, "/bin/dash");
}
TEST(TreeOrder, ChildrenFollowTheirParentInOrderOfAppearance) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/bin/sh"));
  const ProcessKey b = t.fork(a), c = t.fork(a), d = t.fork(b);
  ProcessHistory h;
  t.feed(h);
  EXPECT_THAT(order(h), ElementsAre(std::pair(a.serial, 0u), std::pair(b.serial, 1u),
                                    std::pair(d.serial, 2u), std::pair(c.serial, 1u)));
  const auto places = tree_order(h.tree());
  EXPECT_FALSE(places[1].last);
  EXPECT_TRUE(places[2].last);
  EXPECT_TRUE(places[3].last);
}
TEST(TreeOrder, ProcessOfAnUntracedParentIsNobodysChild) {
  TraceScript t;
  t.add({50, 1}, AttachEvent{{}, {50}});
  t.add({60, 2}, AttachEvent{{7, 9}, {60}});
  ProcessHistory h;
  t.feed(h);
  EXPECT_THAT(order(h), ElementsAre(std::pair(1u, 0u), std::pair(2u, 0u)));
}
TEST(TreeOrder, SaysWhoOutlivedItsParent) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/bin/sh"));
  const ProcessKey b = t.fork(a), c = t.fork(a), d = t.fork(a);
  t.exit(b);
  t.exit(a);
  t.exit(c);
  t.add(d, DetachEvent{});
  ProcessHistory h;
  t.feed(h);
  const auto places = tree_order(h.tree());
  EXPECT_FALSE(places[1].orphan);
  EXPECT_TRUE(places[2].orphan);
  EXPECT_TRUE(places[3].orphan);
}
TEST(TreeOrder, LosesNoProcessToACircle) {
  TraceScript t;
  t.add({1, 1}, ForkEvent{{2, 2}, 0});
  t.add({2, 2}, ForkEvent{{1, 1}, 0});
  t.add({3, 3}, ForkEvent{{3, 3}, 0});
  ProcessHistory h;
  t.feed(h);
  EXPECT_THAT(order(h), ElementsAre(std::pair(1u, 0u), std::pair(2u, 1u), std::pair(3u, 0u)));
}
TEST(TreeOrder, IsNotBoundByDepth) {
  constexpr uint32_t kDepth = 200'000;
  ProcessHistory h;
  for (uint32_t i = 1; i < kDepth; ++i) {
    const Event e{i, i, {int32_t(i), i}, int32_t(i), ForkEvent{{int32_t(i + 1), i + 1}, 0}};
    ASSERT_TRUE(h.on_event(e));
  }
  const auto places = tree_order(h.tree());
  ASSERT_EQ(places.size(), kDepth);
  EXPECT_EQ(places.back().depth, kDepth - 1);
}

}  // namespace
}  // namespace fptrace
