#include "fingerprint/pack/manifest_paths.h"

#include <gmock/gmock.h>

namespace fptrace::pack {
namespace {

using ::testing::HasSubstr;

struct Bad {
  const char* name;
  void (*spoil)(Manifest&);
  const char* says;
};
void PrintTo(const Bad& b, std::ostream* out) { *out << b.name; }

class BadPaths : public ::testing::TestWithParam<Bad> {};

TEST_P(BadPaths, AreNamedByTheirField) {
  Manifest m;
  m.argv = {"x"};
  m.cwd = "/w";
  m.files.resize(1);
  m.files[0].path = "/a";
  ASSERT_TRUE(check_paths(m));
  GetParam().spoil(m);
  const auto r = check_paths(m);
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().what, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    , BadPaths,
    ::testing::Values(
        Bad{"Climbing", [](Manifest& m) { m.files[0].path = "/a/../b"; }, "files[0].path"},
        Bad{"Relative", [](Manifest& m) { m.cwd = "a"; }, "command.cwd"},
        Bad{"TwoSlashes", [](Manifest& m) { m.files[0].path = "/a//b"; }, "files[0].path"},
        Bad{"Dot", [](Manifest& m) { m.files[0].path = "/a/./b"; }, "files[0].path"},
        Bad{"SlashAtTheEnd", [](Manifest& m) { m.files[0].path = "/a/"; }, "files[0].path"},
        Bad{"LongName", [](Manifest& m) { m.files[0].path = "/" + std::string(256, 'x'); },
            "files[0].path"},
        Bad{"ClimbingLink",
            [](Manifest& m) {
              m.files[0].links = {"/x", "/../x"};
            },
            "files[0].links[1]"},
        Bad{"RelativeSpelling", [](Manifest& m) { m.files[0].as_used = {"x"}; },
            "files[0].as_used[0]"},
        Bad{"ClimbingSource", [](Manifest& m) { m.files[0].source = "/x/../y"; },
            "files[0].source"},
        Bad{"ClimbingOutput",
            [](Manifest& m) {
              m.outputs = {{"/../x", {}, {}, {}, {}}};
            },
            "outputs[0].path"},
        Bad{"ZeroByteInArgument", [](Manifest& m) { m.argv = {std::string("a\0b", 3)}; },
            "command.argv[0]"},
        Bad{"ZeroByteInVariable",
            [](Manifest& m) {
              m.environment_set = {{"A", std::string("\0", 1)}};
            },
            "environment.set"}),
    [](const auto& info) { return info.param.name; });

TEST(SplitPath, DropsWhatNamesNothing) {
  EXPECT_EQ(split_path("//a/./b/../c/"), (std::vector<std::string>{"a", "b", "..", "c"}));
  EXPECT_TRUE(split_path("/").empty());
}

}  // namespace
}  // namespace fptrace::pack
