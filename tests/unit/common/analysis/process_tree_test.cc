#include "common/analysis/process_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/analysis/trace_script.h"

namespace fptrace {
namespace {

using test::TraceScript;
using ::testing::ElementsAre;

TEST(ProcessTree, KnowsParentProgramArgumentsAndExit) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/bin/sh"));
  const ProcessKey b = t.fork(a);
  t.exec(b, t.program("/bin/ls"));
  t.exit(b, 3);
  t.exit(a);
  ProcessTree tree;
  t.feed(tree);
  ASSERT_EQ(tree.processes().size(), 2u);
  const ProcessRecord& child = *tree.find(b);
  EXPECT_EQ(child.parent, a);
  EXPECT_EQ(child.program, "/bin/ls");
  EXPECT_THAT(child.argv, ElementsAre("/bin/ls"));
  EXPECT_EQ(child.exit, (ExitStatus{3, 0}));
  EXPECT_EQ(child.start_seq, 3u);
  EXPECT_EQ(tree.find(a)->parent, ProcessKey{});
}

TEST(ProcessTree, ChildWithoutExecRunsItsParentsProgram) {
  TraceScript t;
  const ProcessKey b = t.fork(t.start(t.program("/bin/sh")));
  ProcessTree tree;
  EXPECT_EQ(t.feed(tree).find(b)->program, "/bin/sh");
  EXPECT_EQ(tree.find(b)->execs, 0u);
}

TEST(ProcessTree, ProgramOfAScriptIsItsInterpreter) {
  TraceScript t;
  ExecEvent e;
  e.program = TraceScript::at(t.program("/w/x.sh"));
  e.interpreters = {TraceScript::at(t.program("/bin/dash"))};
  e.argv = {"/bin/dash", "/w/x.sh"};
  t.add({100, 1}, e);
  ProcessTree tree;
  EXPECT_EQ(t.feed(tree).find({100, 1})->program, "/bin/dash");
}

TEST(ProcessTree, FailedExecChangesNothing) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/bin/sh"));
  ExecEvent e;
  e.error = ENOENT;
  t.add(a, e);
  ProcessTree tree;
  EXPECT_EQ(t.feed(tree).find(a)->program, "/bin/sh");
}

TEST(ProcessTree, AttachedProcessesKeepTheirParentAndThreads) {
  TraceScript t;
  t.add({50, 1}, AttachEvent{{}, {50, 51, 52}});
  t.add({60, 2}, AttachEvent{{50, 1}, {60}});
  t.add({60, 2}, DetachEvent{});
  ProcessTree tree;
  t.feed(tree);
  EXPECT_TRUE(tree.find({50, 1})->attached);
  EXPECT_EQ(tree.find({50, 1})->threads, 3u);
  EXPECT_EQ(tree.find({60, 2})->parent, (ProcessKey{50, 1}));
  EXPECT_TRUE(tree.find({60, 2})->detached);
}

TEST(ProcessTree, APidUsedTwiceIsTwoProcesses) {
  TraceScript t;
  const ProcessKey a = t.start(t.program("/bin/sh"));
  t.add(a, ForkEvent{{200, 7}, 0});
  t.exit({200, 7}, 1);
  t.add(a, ForkEvent{{200, 8}, 0});
  t.exit({200, 8}, 2);
  ProcessTree tree;
  t.feed(tree);
  EXPECT_EQ(tree.find({200, 7})->exit, (ExitStatus{1, 0}));
  EXPECT_EQ(tree.find({200, 8})->exit, (ExitStatus{2, 0}));
}

}  // namespace
}  // namespace fptrace
