#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "frontends/cli/commands.h"

namespace fptrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Outcome {
  ExitStatus status;
  std::string out, err;
};
Outcome run(std::vector<std::string_view> args) {
  std::ostringstream out, err;
  const auto status = dispatch({out, err}, args);
  return {status, out.str(), err.str()};
}

TEST(Dispatch, NoArgumentsPrintsUsageToStderr) {
  const auto r = run({});
  EXPECT_EQ(r.status.code, kUsageError);
  EXPECT_EQ(r.out, "");
  EXPECT_THAT(r.err, StartsWith("usage: fptrace"));
}
TEST(Dispatch, HelpNamesEverySubcommandOnStdout) {
  for (const auto* word : {"--help", "-h", "help"}) {
    const auto r = run({word});
    EXPECT_EQ(r.status, ExitStatus{});
    EXPECT_EQ(r.err, "");
    for (const auto* c : subcommands()) {
      if (c->hidden) continue;
      EXPECT_THAT(r.out, HasSubstr("  " + std::string(c->name) + " "));
    }
  }
}
TEST(Dispatch, HelpOfEverySubcommandNamesItsOptions) {
  for (const auto* c : subcommands()) {
    for (const auto& r : {run({c->name, "--help"}), run({"help", c->name})}) {
      EXPECT_EQ(r.status, ExitStatus{}) << c->name;
      EXPECT_THAT(r.out, HasSubstr(c->summary));
      for (const auto& o : c->options) EXPECT_THAT(r.out, HasSubstr("--" + std::string(o.name)));
    }
  }
}
TEST(Dispatch, UnknownCommandIsAUsageErrorThatNamesIt) {
  const auto r = run({"frobnicate"});
  EXPECT_EQ(r.status.code, kUsageError);
  EXPECT_EQ(r.out, "");
  EXPECT_THAT(r.err, HasSubstr("no command 'frobnicate'"));
  EXPECT_EQ(run({"help", "frobnicate"}).status.code, kUsageError);
}
TEST(Dispatch, WrongOptionIsAUsageErrorThatNamesTheCommand) {
  const auto r = run({"version", "--nonsense"});
  EXPECT_EQ(r.status.code, kUsageError);
  EXPECT_THAT(r.err, StartsWith("fptrace version: "));
  EXPECT_THAT(r.err, HasSubstr("--nonsense"));
  EXPECT_THAT(r.err, HasSubstr("usage: fptrace version"));
}
TEST(Dispatch, ALeadingOptionOrDoubleDashMeansRun) {
  for (const auto& args : std::vector<std::vector<std::string_view>>{{"--"}, {"-q"}, {"run"}}) {
    const auto r = run(args);
    EXPECT_EQ(r.status.code, kUsageError);
    EXPECT_THAT(r.err, StartsWith("fptrace run: no program to trace"));
  }
  EXPECT_THAT(run({"--nonsense", "--", "true"}).err, StartsWith("fptrace run: "));
}
TEST(Dispatch, OptionsThatExcludeEachOtherAreUsageErrors) {
  for (const auto& args :
       std::vector<std::vector<std::string_view>>{{"--detach-daemons", "--kill-on-exit", "true"},
                                                  {"--no-manifest", "-o", "x", "true"},
                                                  {"-o", "-", "true"},
                                                  {"-l", "-", "true"},
                                                  {"-o", "same", "-l", "same", "true"},
                                                  {"--stops", "filter", "--survive", "true"},
                                                  {"attach", "0"},
                                                  {"attach", "me"},
                                                  {"attach"},
                                                  {"manifest"},
                                                  {"manifest", "a", "b"},
                                                  {"manifest", "a", "-o", "a"},
                                                  {"completion", "tcsh"}}) {
    const auto r = run(args);
    EXPECT_EQ(r.status.code, kUsageError) << args[0] << ' ' << args.back();
    EXPECT_EQ(r.out, "");
    EXPECT_THAT(r.err, HasSubstr("usage: fptrace")) << args[0];
  }
}
TEST(Dispatch, VersionIsOneLine) {
  EXPECT_THAT(run({"version"}).out, StartsWith("fptrace "));
  EXPECT_EQ(run({"--version"}).out, run({"version"}).out);
  EXPECT_EQ(run({"-V"}).out, run({"version"}).out);
}

}  // namespace
}  // namespace fptrace::cli
