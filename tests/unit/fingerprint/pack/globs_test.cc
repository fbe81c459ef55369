#include "fingerprint/pack/globs.h"

#include <gtest/gtest.h>

namespace fptrace::pack {
namespace {

struct Case {
  const char* name;
  const char *pattern, *path;
  bool matches;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class Globs : public ::testing::TestWithParam<Case> {};

TEST_P(Globs, Match) {
  EXPECT_EQ(glob_matches(GetParam().pattern, GetParam().path), GetParam().matches);
}

INSTANTIATE_TEST_SUITE_P(
    , Globs,
    ::testing::Values(
        Case{"WholePath", "/a/b", "/a/b", true}, Case{"BelowADirectory", "/a", "/a/b/c", true},
        Case{"NotTheBeginningOfAName", "/a", "/ab", false},
        Case{"NotTheEndOfAName", "b", "/ab", false}, Case{"AnyDepth", "b", "/a/b", true},
        Case{"AnyDepthWithBelow", ".ssh", "/root/.ssh/id", true},
        Case{"SlashAtTheEnd", "/a/", "/a/b", true},
        Case{"StarStopsAtASlash", "/a/*/c", "/a/b/b/c", false},
        Case{"StarWithinAName", "*.pem", "/x/key.pem", true},
        Case{"StarOfNothing", "/a*", "/a", true},
        Case{"TwoStarsCrossSlashes", "/a/**/c", "/a/b/b/c", true},
        Case{"QuestionMark", "/?", "/x", true},
        Case{"QuestionMarkIsNoSlash", "/a?b", "/a/b", false}, Case{"Set", "/[a-c]x", "/bx", true},
        Case{"NotInSet", "/[!a-c]x", "/bx", false}, Case{"BracketInSet", "/[]]", "/]", true},
        Case{"BracketWithoutEnd", "/[a", "/[a", true}, Case{"Escaped", "/\\*", "/*", true},
        Case{"EscapedIsNoStar", "/\\*", "/x", false}, Case{"Root", "/", "/a/b", true},
        Case{"Empty", "", "/a", false},
        Case{"ManyStarsAreQuick", "/*a*a*a*a*a*a*a*a*a*a*a*a*b",
             "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        Case{"Bytes", "/\xff?", "/\xff\xfe", true}),
    [](const auto& info) { return info.param.name; });

TEST(GlobRules, TheLastThatFitsDecides) {
  const std::vector<GlobRule> rules{{false, "*.pem"}, {true, "ca.pem"}, {false, "/tmp"}};
  EXPECT_EQ(decide(rules, {"/x/a.pem"}), Verdict::kExclude);
  EXPECT_EQ(decide(rules, {"/x/ca.pem"}), Verdict::kInclude);
  EXPECT_EQ(decide(rules, {"/tmp/ca.pem"}), Verdict::kExclude);
  EXPECT_EQ(decide(rules, {"/x/y"}), Verdict::kNone);
  EXPECT_EQ(decide(rules, {"/x/y", "/x/ca.pem"}), Verdict::kInclude) << "any of its names";
}

}  // namespace
}  // namespace fptrace::pack
