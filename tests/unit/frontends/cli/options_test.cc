#include "frontends/cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fptrace::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Option kOptions[] = {
    {'o', "output", "FILE", "where"},  {'q', "quiet", "", "less"},
    {0, "format", "json|pb", "how"},   {0, "backend", "ptrace", "by what"},
    {0, "picture", "[=FILE]", "draw"},
};
Result<Arguments> parse(OperandRule rule, std::vector<std::string_view> args) {
  return parse_arguments(kOptions, rule, args);
}
Result<Arguments> program(std::vector<std::string_view> args) {
  return parse(OperandRule::kProgram, std::move(args));
}

TEST(ParseArguments, AllThatFollowsTheProgramIsTheProgramsOwn) {
  const auto a = program({"-q", "-o", "f", "prog", "-o", "x", "--", "--help"});
  ASSERT_TRUE(a) << a.error().what;
  EXPECT_EQ(a->value("output"), "f");
  EXPECT_TRUE(a->has("quiet"));
  EXPECT_FALSE(a->help());
  EXPECT_THAT(a->operands(), ElementsAre("prog", "-o", "x", "--", "--help"));
}
TEST(ParseArguments, OneDoubleDashIsDroppedBeforeTheProgram) {
  EXPECT_THAT(program({"-q", "--", "-prog", "--", "a"})->operands(),
              ElementsAre("-prog", "--", "a"));
}
TEST(ParseArguments, AValueThatMayBeLeftAwayStandsInTheSameWord) {
  for (const OperandRule rule : {OperandRule::kProgram, OperandRule::kAnywhere}) {
    const auto without = parse(rule, {"--picture", "p"});
    ASSERT_TRUE(without) << without.error().what;
    EXPECT_TRUE(without->has("picture"));
    EXPECT_EQ(without->value("picture"), "");
    EXPECT_THAT(without->operands(), ElementsAre("p"));
    const auto with = parse(rule, {"--picture=f.svg", "p"});
    ASSERT_TRUE(with) << with.error().what;
    EXPECT_EQ(with->value("picture"), "f.svg");
    EXPECT_THAT(with->operands(), ElementsAre("p"));
  }
}
TEST(ParseArguments, EverySpellingOfAValueIsRead) {
  for (const auto& args : std::vector<std::vector<std::string_view>>{{"-o", "v", "p"},
                                                                     {"-ov", "p"},
                                                                     {"-qov", "p"},
                                                                     {"-qo", "v", "p"},
                                                                     {"--output=v", "p"},
                                                                     {"--output", "v", "p"}}) {
    const auto a = program(args);
    ASSERT_TRUE(a) << args[0] << ": " << a.error().what;
    EXPECT_EQ(a->value("output"), "v") << args[0];
    EXPECT_THAT(a->operands(), ElementsAre("p")) << args[0];
  }
}
TEST(ParseArguments, AValueMayBeNamedLikeAnOption) {
  EXPECT_EQ(program({"-o", "quiet", "p"})->value("output"), "quiet");
}
TEST(ParseArguments, TheLastValueWinsAndAllAreKept) {
  const auto a = program({"-o", "1", "-o", "2"});
  EXPECT_EQ(a->value("output"), "2");
  EXPECT_THAT(a->values("output"), ElementsAre("1", "2"));
}
TEST(ParseArguments, AnOptionNotGivenHasItsDefault) {
  const auto a = program({});
  EXPECT_EQ(a->value("output", "d"), "d");
  EXPECT_THAT(a->values("output"), IsEmpty());
}
TEST(ParseArguments, OptionsMayFollowOperandsWhereTheRuleSaysSo) {
  const auto a = parse(OperandRule::kAnywhere, {"one", "-q", "two", "--", "-o"});
  ASSERT_TRUE(a) << a.error().what;
  EXPECT_TRUE(a->has("quiet"));
  EXPECT_THAT(a->operands(), ElementsAre("one", "two", "-o"));
}
TEST(ParseArguments, ALoneDashIsAnOperand) {
  EXPECT_THAT(parse(OperandRule::kAnywhere, {"-"})->operands(), ElementsAre("-"));
  EXPECT_THAT(program({"-q", "-", "-q"})->operands(), ElementsAre("-", "-q"));
}

struct Bad {
  const char* name;
  std::vector<std::string_view> args;
  const char* message;
};
void PrintTo(const Bad& b, std::ostream* out) { *out << b.name; }
class BadArguments : public ::testing::TestWithParam<Bad> {};
TEST_P(BadArguments, AreNamedInTheError) {
  const auto a = parse(OperandRule::kNone, GetParam().args);
  ASSERT_FALSE(a);
  EXPECT_EQ(a.error().code, Errc::kParse);
  EXPECT_THAT(a.error().what, HasSubstr(GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(
    , BadArguments,
    ::testing::Values(Bad{"UnknownLong", {"--nonsense"}, "--nonsense"},
                      Bad{"UnknownShort", {"-z"}, "-z"}, Bad{"Abbreviated", {"--qui"}, "--qui"},
                      Bad{"ValueMissing", {"--output"}, "--output"},
                      Bad{"ShortValueMissing", {"-o"}, "--output"},
                      Bad{"SwitchWithValue", {"--quiet=1"}, "--quiet"},
                      Bad{"NotAChoice", {"--format", "xml"}, "json|pb, not 'xml'"},
                      Bad{"NotTheOnlyChoice", {"--backend", "emu"}, "ptrace, not 'emu'"},
                      Bad{"EmptyChoice", {"--format="}, "--format"},
                      Bad{"Operand", {"x"}, "unexpected argument 'x'"}),
    [](const auto& i) { return i.param.name; });

TEST(ParseNumber, TakesTheWholeTextWithinTheBounds) {
  EXPECT_EQ(*parse_number("42", 1, 42), 42);
  for (const auto* bad : {"", "43", "0", "4x", " 4", "+4", "99999999999999999999"}) {
    EXPECT_FALSE(parse_number(bad, 1, 42)) << bad;
  }
}

}  // namespace
}  // namespace fptrace::cli
