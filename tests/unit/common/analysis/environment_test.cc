#include "common/analysis/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/analysis/trace_script.h"

namespace fptrace {
namespace {

using test::TraceScript;
using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Environment, IsWhatTheMainProgramWasGiven) {
  TraceScript t;
  const ProcessKey p = t.start(t.program("/a"), {"B=1", "A=x=y", "B=2", "nonsense"});
  t.exec(t.fork(p), t.program("/b"), {"MAKEFLAGS=-j2"});
  Environment e;
  EXPECT_THAT(t.feed(e).variables(), ElementsAre(Pair("A", "x=y"), Pair("B", "1")));
}

TEST(Environment, FailedExecGivesNothing) {
  TraceScript t;
  ExecEvent failed;
  failed.error = ENOENT;
  failed.env = {"A=1"};
  t.add({100, 1}, failed);
  Environment e;
  EXPECT_TRUE(t.feed(e).variables().empty());
}

struct Name {
  const char* name;
  bool secret;
};
void PrintTo(const Name& n, std::ostream* out) { *out << n.name; }
class LooksSecret : public ::testing::TestWithParam<Name> {};
TEST_P(LooksSecret, ByTheWordsOfTheName) {
  EXPECT_EQ(looks_secret(GetParam().name), GetParam().secret);
}
INSTANTIATE_TEST_SUITE_P(
    Environment, LooksSecret,
    ::testing::Values(Name{"API_TOKEN", true}, Name{"github_token", true},
                      Name{"AWS_SECRET_ACCESS_KEY", true}, Name{"AWS_ACCESS_KEY_ID", true},
                      Name{"PGPASSWORD", true}, Name{"MYSQL_PWD", true}, Name{"DB_PASS", true},
                      Name{"OPENAI_API_KEY", true}, Name{"ApiKey", true},
                      Name{"SSH_PASSPHRASE", true}, Name{"GOOGLE_APPLICATION_CREDENTIALS", true},
                      Name{"HTTP_AUTH", true}, Name{"PWD", false}, Name{"OLDPWD", false},
                      Name{"PATH", false}, Name{"XAUTHORITY", false}, Name{"SSH_AUTH_SOCK", false},
                      Name{"KEYBOARD", false}, Name{"COMPASS_DIR", false}, Name{"LANG", false}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Redact, MasksSecretsAndPasswordsInUrls) {
  EXPECT_EQ(redact("API_TOKEN", "abc"), "<redacted>");
  EXPECT_EQ(redact("PATH", "/bin:/usr/bin"), "/bin:/usr/bin");
  EXPECT_EQ(redact("http_proxy", "http://me:pw@proxy:80/"), "http://me:<redacted>@proxy:80/");
  EXPECT_EQ(redact("X", "a http://u:p:q@h/ b ftp://v:w@g c"),
            "a http://u:<redacted>@h/ b ftp://v:<redacted>@g c");
  EXPECT_EQ(redact("X", "http://host:80/a@b"), "http://host:80/a@b");
}

}  // namespace
}  // namespace fptrace
