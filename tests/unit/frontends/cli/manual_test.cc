// Every subcommand and option is in the manual page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "frontends/cli/subcommand.h"

namespace fptrace::cli {
namespace {

using ::testing::HasSubstr;

std::string manual() {
  std::ifstream in(FPTRACE_SOURCE_DIR "/docs/fptrace.1", std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  std::erase(text, '\\');  // roff writes a dash as \-
  return text;
}

std::string section(const std::string& text, const std::string& command) {
  const size_t at = text.find("\n.SS \"fptrace " + command);
  if (at == std::string::npos) return "";
  return text.substr(at, text.find("\n.S", at + 1) - at);
}

TEST(Manual, HasASectionForEverySubcommandWithAllItsOptions) {
  const std::string text = manual();
  for (const auto* c : subcommands()) {
    if (c->hidden) continue;
    const std::string part = section(text, std::string(c->name));
    ASSERT_NE(part, "") << c->name;
    for (const auto& o : c->options) {
      EXPECT_THAT(part, HasSubstr("--" + std::string(o.name))) << c->name;
      if (o.letter == 0) continue;
      // A letter is given where the option is described; `attach` and `manifest` name options of
      // `run` by their long names only.
      EXPECT_THAT(text, HasSubstr(std::string("-") + o.letter + ", --" + std::string(o.name)));
    }
  }
}

TEST(Manual, DescribesNoOptionThatDoesNotExist) {
  const std::string text = manual();
  const std::regex described(R"((?:^|\n)\.(?:B|BI) "?(?:-\w, )?--([a-z-]+))");
  std::set<std::string> known{"help", "option"};
  for (const auto* c : subcommands()) {
    for (const auto& o : c->options) known.emplace(o.name);
  }
  size_t seen = 0;
  for (std::sregex_iterator it(text.begin(), text.end(), described), end; it != end; ++it, ++seen) {
    EXPECT_TRUE(known.contains((*it)[1])) << (*it)[1];
  }
  EXPECT_GT(seen, 15u);
}

}  // namespace
}  // namespace fptrace::cli
