#include "fingerprint/pack/command.h"

#include <gmock/gmock.h>

#include <cstdio>
#include <fstream>

#include "fingerprint/pack/dockerfile.h"

namespace fptrace::pack {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ShellWord, IsOneWordWhateverTheBytes) {
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("a b$c\n"), "'a b$c\n'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

TEST(PackCommand, HoldsBackSecrets) {
  Manifest m;
  m.argv = {"/usr/bin/x y"};
  m.environment_set = {{"A", "1"}, {"API_TOKEN", "hush"}, {"URL", "http://u:hush@h/"}};
  std::vector<Note> notes;
  const PackCommand c = command_of(m, false, notes);
  EXPECT_EQ(c.environment, (std::map<std::string, std::string>{{"A", "1"}}));
  EXPECT_EQ(c.withheld, (std::vector<std::string>{"API_TOKEN", "URL"}));
  EXPECT_EQ(notes.size(), 2u);
  EXPECT_EQ(c.name, "x-y");
  EXPECT_EQ(command_of(m, true, notes).environment.size(), 3u);
  m.environment_set = {{"B_TOKEN", "<redacted>"}};
  EXPECT_TRUE(command_of(m, true, notes).environment.empty()) << "there is no value to keep";
}

TEST(RunScript, IsWhatAShellReads) {
  PackCommand c;
  c.argv = {"prog", "it's", "\n", "\xff"};
  c.cwd = "/a 'b'";
  c.environment = {{"LD_PRELOAD", "x"}, {"A", "`$("}};
  c.withheld = {"TOKEN", "not a name"};
  const std::string script = run_script(c);
  EXPECT_THAT(script, HasSubstr("TOKEN=$TOKEN"));
  EXPECT_THAT(script, Not(HasSubstr("not a name")));
  const std::string path = ::testing::TempDir() + "fptrace_run_script";
  std::ofstream(path) << script;
  EXPECT_EQ(std::system(("sh -n " + path).c_str()), 0);  // NOLINT: a fixed command
  std::remove(path.c_str());
}

TEST(BaseImage, IsThatOfTheSystem) {
  EXPECT_EQ(base_image("Debian GNU/Linux 12 (bookworm)"), "debian:12");
  EXPECT_EQ(base_image("Ubuntu 22.04.3 LTS"), "ubuntu:22.04");
  EXPECT_EQ(base_image("Debian GNU/Linux trixie/sid"), "");
  EXPECT_EQ(base_image("Fedora Linux 39"), "");
}

}  // namespace
}  // namespace fptrace::pack
