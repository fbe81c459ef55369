#include "frontends/cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace fptrace::cli {
namespace {

using ::testing::HasSubstr;

TEST(Completion, NamesEverySubcommandAndOption) {
  const std::string bash = bash_completion(subcommands()), zsh = zsh_completion(subcommands()),
                    fish = fish_completion(subcommands());
  for (const auto* c : subcommands()) {
    const std::string name(c->name);
    if (c->hidden) {
      EXPECT_EQ(bash.find("    " + name + ")"), std::string::npos);
      continue;
    }
    EXPECT_THAT(bash, HasSubstr(name + " "));
    EXPECT_THAT(zsh, HasSubstr("    " + name + ") _arguments"));
    EXPECT_THAT(fish, HasSubstr("-a " + name + " "));
    for (const auto& o : c->options) {
      const std::string option(o.name);
      EXPECT_THAT(bash, HasSubstr("--" + option)) << name;
      EXPECT_THAT(zsh, HasSubstr("--" + option +
                                 (o.value.empty() ? "["
                                  : takes_word(o) ? "=["
                                                  : "=-[")))
          << name;
      EXPECT_THAT(fish, HasSubstr(" -l " + option + " ")) << name;
    }
  }
}

TEST(Completion, BashCompletesCommandsOptionsAndChoices) {
  const std::string script = ::testing::TempDir() + "fptrace_completion.bash";
  std::ofstream(script) << bash_completion(subcommands());
  const auto complete = [&](const std::string& words) {
    // COMP_WORDS as bash would set it, the cursor at the end of the last word.
    const std::string command = "bash -c '. " + script + "; compopt() { :; }; COMP_WORDS=(" +
                                words + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _fptrace; " +
                                "echo \"${COMPREPLY[@]}\"'";
    std::string out;
    FILE* pipe = ::popen(command.c_str(), "r");
    for (int c = 0; pipe != nullptr && (c = std::fgetc(pipe)) != EOF;) out += char(c);
    if (pipe != nullptr) ::pclose(pipe);
    return out;
  };
  EXPECT_EQ(complete("fptrace doc"), "doctor\n");
  EXPECT_EQ(complete("fptrace doctor --js"), "--json\n");
  EXPECT_EQ(complete("fptrace --stops not"), "notify\n");
  EXPECT_EQ(complete("fptrace run --no-m"), "--no-manifest\n");
  EXPECT_EQ(complete("fptrace attach --stops"), "\n");  // not one of its options
  std::remove(script.c_str());
}

}  // namespace
}  // namespace fptrace::cli
