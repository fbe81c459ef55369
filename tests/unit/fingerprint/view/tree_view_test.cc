#include "fingerprint/view/tree_view.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/unit/common/analysis/trace_script.h"

namespace fptrace {
namespace {

using test::TraceScript;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::vector<std::string> lines(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

void exec(TraceScript& t, ProcessKey p, std::vector<std::string> argv) {
  ExecEvent e;
  e.program = TraceScript::at(t.program("/bin/" + argv[0]));
  e.argv = std::move(argv);
  t.add(p, e);
}

// sh starts a pipeline; its last child lives on.
TraceScript pipeline() {
  TraceScript t;
  const ProcessKey a{100, 1}, b{101, 2}, c{102, 3}, d{103, 4};
  exec(t, a, {"sh", "-c", "a b"});
  for (const ProcessKey child : {b, c}) t.add(a, ForkEvent{child, 0});
  exec(t, b, {"env", "ls"});
  exec(t, b, {"ls"});
  t.add(c, ThreadEvent{110, 0});
  t.add(c, ForkEvent{d, 0});
  t.exit(b, 1);
  t.add(c, ExitEvent{{0, 11}});
  t.exit(a);
  return t;
}

std::string text(const TraceScript& t, TreeStyle style) {
  ProcessHistory h;
  return tree_text(t.feed(h), style);
}

TEST(TreeText, DrawsTheProcesses) {
  EXPECT_THAT(lines(text(pipeline(), {})),
              ElementsAre("100 sh -c 'a b' [0]", "├─ 101 env ls → ls [1]",
                          "└─ 102 (sh) [SIGSEGV, 2 threads]",
                          "   └─ 103 (sh) [no end seen, outlived its parent]"));
}
TEST(TreeText, AsciiIsAllAscii) {
  const std::string out = text(pipeline(), {{0, true}});
  EXPECT_THAT(out, HasSubstr("|- 101 env ls -> ls [1]"));
  EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](char c) { return uint8_t(c) < 0x80; }));
}
TEST(TreeText, TimesAreSaidWhenAsked) {
  EXPECT_THAT(text(pipeline(), {{}, true}), HasSubstr("101 env ls → ls [1, 0.000 s]"));
}
TEST(TreeText, KeepsWithinTheWidthAndSparesTheStatus) {
  TraceScript t;
  exec(t, {100, 1}, {"cc", std::string(200, 'x')});
  t.exit({100, 1}, 3);
  for (const std::string& line : lines(text(t, {{40, false}}))) {
    EXPECT_LE(columns(line), 40u);
    EXPECT_TRUE(line.ends_with("… [3]")) << line;
  }
}
TEST(TreeText, ArgumentsCannotDisturbATerminal) {
  TraceScript t;
  exec(t, {100, 1}, {"a", "\x1b[2J\n", "", "it's"});
  EXPECT_EQ(text(t, {}), "100 a \\x1b[2J\\x0a '' 'it'\\''s' [no end seen]\n");
}
TEST(TreeText, AttachedAndLetGoAreSaid) {
  TraceScript t;
  t.add({50, 1}, AttachEvent{{}, {50, 51}});
  t.add({50, 1}, DetachEvent{});
  EXPECT_EQ(text(t, {}), "50 (?) [let go, 2 threads, attached]\n");
}
TEST(TreeText, DeepLevelsAreNumbered) {
  constexpr int32_t kDepth = 20'000;
  ProcessHistory h;
  for (int32_t i = 1; i < kDepth; ++i) {
    const Event e{uint64_t(i), 1, {i, uint32_t(i)}, i, ForkEvent{{i + 1, uint32_t(i + 1)}, 0}};
    ASSERT_TRUE(h.on_event(e));
  }
  const std::string out = tree_text(h, {});
  EXPECT_LT(out.size(), size_t(kDepth) * 200);
  EXPECT_THAT(lines(out).back(), StartsWith("+19959 "));
  for (const std::string& line : lines(tree_text(h, {{30, false}}))) ASSERT_LE(columns(line), 30u);
}
TEST(TreeJson, IsAFlatListInTheOrderOfTheTree) {
  TraceScript t = pipeline();
  exec(t, {104, 9}, {"x", "\xff"});
  ProcessHistory h;
  const auto j = nlohmann::json::parse(tree_json(t.feed(h)))["processes"];
  ASSERT_EQ(j.size(), 5u);
  EXPECT_EQ(j[0]["depth"], 0);
  EXPECT_EQ(j[1]["execs"][1]["program"], "/bin/ls");
  EXPECT_EQ(j[1]["exit"]["code"], 1);
  EXPECT_EQ(j[2]["exit"]["signal"], 11);
  EXPECT_EQ(j[2]["threads"], 2);
  EXPECT_EQ(j[3]["parent"], 3);
  EXPECT_EQ(j[3]["outlived_parent"], true);
  EXPECT_FALSE(j[3].contains("exit"));
  EXPECT_EQ(j[4]["execs"][0]["argv_bytes"][1], "/w==");
}

}  // namespace
}  // namespace fptrace
