#include "tests/support/expectation.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>

namespace fptrace::testing {
namespace {

const Variables kVariables{{"W", "/w"}, {"P", "/p"}};

Expectation good(const std::string& text) {
  auto parsed = parse_expectation("case: c\n" + text, kVariables);
  EXPECT_TRUE(parsed) << parsed.error().what;
  return parsed.value_or(Expectation{});
}

TEST(ParseExpectation, CaseIsProseToTheEndOfItsLine) {
  const auto e = parse_expectation("case: a \"half # quote\n", kVariables);
  ASSERT_TRUE(e);
  EXPECT_EQ(e->about, "a \"half # quote");
}

TEST(ParseExpectation, WordsKeepBytesThatAreQuotedOrEscaped) {
  const auto e = good("file: \"a b\\n\\xff\" \"\\t\\\"\\\\\"\n");
  ASSERT_EQ(e.set_up.size(), 1u);
  EXPECT_EQ(e.set_up[0].name, "a b\n\xff");
  EXPECT_EQ(e.set_up[0].value, "\t\"\\");
}

TEST(ParseExpectation, VariablesAreReplacedInsideWordsAndTwoDollarsAreOne) {
  const auto e = good("args: $W/x \"$P y\" $$W\n");
  EXPECT_EQ(e.args, (std::vector<std::string>{"/w/x", "/p y", "$W"}));
}

TEST(ParseExpectation, CommentsAndBlankLinesSayNothing) {
  const auto e = good("# comment\n\n   \nargs: a # more\n");
  EXPECT_EQ(e.args, std::vector<std::string>{"a"});
}

TEST(ParseExpectation, FileTakesRolesAndAttributesInAnyOrder) {
  const auto e =
      good("file $W/x data link=$W/l library linkage=needed content=\"a b\" link=$W/m\n");
  ASSERT_EQ(e.files.size(), 1u);
  EXPECT_EQ(e.files[0].line, 2);
  EXPECT_EQ(e.files[0].roles, (std::set<std::string>{"data", "library"}));
  EXPECT_EQ(e.files[0].links, (std::vector<std::string>{"/w/l", "/w/m"}));
  EXPECT_EQ(e.files[0].linkage, "needed");
  EXPECT_EQ(e.files[0].content.literal, "a b");
}

TEST(ParseExpectation, ExitIsACodeOrASignal) {
  EXPECT_EQ(good("exit: 42\n").exit_code, 42);
  EXPECT_EQ(good("exit: signal SEGV\n").exit_signal, SIGSEGV);
  EXPECT_EQ(good("").exit_code, 0);
}

TEST(ParseExpectation, GapMayBeThatOfSomeBackends) {
  const auto e = good("gap \"a b\" on=Notify on=Emu\ngap c\n");
  ASSERT_EQ(e.gaps.size(), 2u);
  EXPECT_EQ(e.gaps[0].glob, "a b");
  EXPECT_EQ(e.gaps[0].on, (std::set<std::string>{"Notify", "Emu"}));
  EXPECT_TRUE(e.gaps[1].on.empty());
}

TEST(ParseExpectation, ModeIsOctal) {
  EXPECT_EQ(good("file: x y mode=4755\n").set_up[0].mode, 04755u);
}

TEST(ParseExpectation, NamesOfErrorsAndSignalsAreTheKernelS) {
  EXPECT_EQ(errno_of("ELOOP"), ELOOP);
  EXPECT_EQ(errno_of("ENOSUCHERROR"), 0);
  EXPECT_EQ(signal_of("KILL"), SIGKILL);
  EXPECT_EQ(signal_of("SIGKILL"), 0);
}

struct Bad {
  const char* name;
  const char* text;
  const char* error;
};
void PrintTo(const Bad& bad, std::ostream* os) { *os << bad.name; }

class BadExpectation : public ::testing::TestWithParam<Bad> {};
TEST_P(BadExpectation, IsAnErrorThatNamesTheLine) {
  const auto parsed = parse_expectation(GetParam().text, kVariables);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().what, GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(
    , BadExpectation,
    ::testing::Values(
        Bad{"Empty", "", "expect line 0: no `case:` line"},
        Bad{"NoCase", "args: a\n", "expect line 1: no `case:` line"},
        Bad{"UnknownKey", "case: c\nargz: a\n", "expect line 2: unknown key argz:"},
        Bad{"UnknownExpectation", "case: c\nfiel x\n", "expect line 2: unknown expectation fiel"},
        Bad{"OpenQuote", "case: c\nargs: \"a\n", "expect line 2: a quote without its end"},
        Bad{"BadEscape", "case: c\nargs: \"\\q\"\n", "expect line 2: unknown escape \\q"},
        Bad{"BadHex", "case: c\nargs: \"\\xg1\"\n", "expect line 2: unknown escape \\x"},
        Bad{"UnknownVariable", "case: c\nargs: $Q\n", "expect line 2: no variable $Q"},
        Bad{"AbsoluteName", "case: c\nfile: /x y\n",
            "expect line 2: a name relative to $W, please: /x"},
        Bad{"FewWords", "case: c\nlink: x\n", "expect line 2: takes 2 words, has 1"},
        Bad{"BadMode", "case: c\nfile: x y mode=9\n", "expect line 2: not a number: 9"},
        Bad{"BadNumber", "case: c\n\nexit: 1x\n", "expect line 3: not a number: 1x"},
        Bad{"BadSignal", "case: c\nexit: signal NONE\n", "expect line 2: unknown signal NONE"},
        Bad{"BadErrno", "case: c\nmissing x EWHAT\n", "expect line 2: unknown errno EWHAT"},
        Bad{"NoRole", "case: c\nfile x linkage=y\n", "expect line 2: a file needs a role"},
        Bad{"BadRole", "case: c\nfile x dta\n",
            "expect line 2: neither a role nor an attribute of a file: dta"},
        Bad{"BadOutput", "case: c\noutput x data\n",
            "expect line 2: not an attribute of an output: data"},
        Bad{"BadGap", "case: c\ngap x Notify\n",
            "expect line 2: not an attribute of a gap: Notify"},
        Bad{"BadNeed", "case: c\nneeds: luck\n", "expect line 2: unknown need luck"},
        Bad{"BadChoice", "case: c\ndaemons: shoot\n", "expect line 2: unknown value shoot"}),
    [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace fptrace::testing
