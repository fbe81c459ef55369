#include "tests/support/event_lines.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <cerrno>

namespace fptrace::testing {
namespace {

Event of(ProcessKey process, EventBody body) { return {0, 0, process, 0, std::move(body)}; }

ExecEvent exec(const std::string& path, int error = 0) {
  ExecEvent e;
  e.program.file.path = path;
  e.error = error;
  return e;
}

TEST(ProcessLines, NameChildrenInTheOrderTheirParentMadeThem) {
  const ProcessKey root{10, 1}, first{11, 2}, second{12, 3}, inner{11, 4};
  const auto lines = process_lines({
      of({}, TraceStartEvent{}),
      of(root, exec("/bin/a")),
      of(root, ForkEvent{first, CLONE_VM | CLONE_VFORK | CLONE_CHILD_SETTID}),
      of(first, exec("/none", ENOENT)),
      of(root, ForkEvent{second, 0}),
      of(first, ExitEvent{{1, 0}}),
      of(second, ForkEvent{inner, 0}),
      of(inner, ExitEvent{{0, SIGKILL}}),
      of(second, ExitEvent{{0, 0}}),
      of(root, ExitEvent{{3, 0}}),
  });
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "p1 exec:a fork:p1.1[VM,VFORK] fork:p1.2 exit:3",
                       "p1.1 exec-fails:ENOENT exit:1",
                       "p1.2 fork:p1.2.1 exit:0",
                       "p1.2.1 killed:KILL",
                   }));
}

TEST(ProcessLines, AProcessNobodyMadeIsARoot) {
  const auto lines = process_lines({of({5, 1}, AttachEvent{}), of({6, 2}, AttachEvent{}),
                                    of({5, 1}, ExitEvent{{0, 0}}), of({6, 2}, ExitEvent{{1, 0}})});
  EXPECT_EQ(lines, (std::vector<std::string>{"p1 exit:0", "p2 exit:1"}));
}

TEST(ProcessLines, TenthChildComesAfterTheNinth) {
  std::vector<Event> events;
  for (uint32_t i = 0; i < 10; ++i) events.push_back(of({1, 1}, ForkEvent{{2, 2 + i}, 0}));
  const auto lines = process_lines(events);
  ASSERT_EQ(lines.size(), 11u);
  EXPECT_EQ(lines.back(), "p1.10");
}

}  // namespace
}  // namespace fptrace::testing
