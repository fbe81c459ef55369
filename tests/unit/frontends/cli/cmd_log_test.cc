#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "common/log/json.h"
#include "common/log/text.h"
#include "frontends/cli/commands.h"
#include "tests/unit/common/log/log_files.h"
#include "tests/unit/common/log/sample_events.h"

namespace fptrace::cli {
namespace {

using fptrace::testing::read_file;
using fptrace::testing::sample_events;
using fptrace::testing::ScratchDir;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class LogCommand : public ::testing::Test {
 protected:
  struct Outcome {
    int code;
    std::string out, err;
  };
  LogCommand() { fptrace::testing::write_log(file_, sample_events(), 10); }
  static Outcome run(std::vector<std::string_view> args) {
    args.insert(args.begin(), "log");
    std::ostringstream out, err;
    const auto status = dispatch({out, err}, args);
    return {status.code, out.str(), err.str()};
  }
  static std::string lines(std::string (*render)(const Event&), size_t from = 0, size_t n = 1000) {
    std::string out;
    const auto events = sample_events();
    for (size_t i = from; i < events.size() && i < from + n; ++i) out += render(events[i]) + "\n";
    return out;
  }

  ScratchDir dir_;
  const std::string file_ = dir_ / "a.fplog";
};

TEST_F(LogCommand, PrintsALineForEachEvent) {
  const auto r = run({file_});
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(r.err, "");
  EXPECT_EQ(r.out, lines(to_text_line));
}
TEST_F(LogCommand, PrintsJsonLines) { EXPECT_EQ(run({"--json", file_}).out, lines(to_json_line)); }
TEST_F(LogCommand, PrintsFromASeqAndNoMoreThanACount) {
  EXPECT_EQ(run({file_, "--from", "12", "--count", "3"}).out, lines(to_text_line, 11, 3));
  EXPECT_EQ(run({file_, "--count", "0"}).out, "");
  EXPECT_EQ(run({file_, "--from", "100000"}).out, "");
}
TEST_F(LogCommand, CountsTheEventsThatMatch) {
  const auto r = run({file_, "--filter", "type=readlink,exit", "-n", "2"});
  EXPECT_EQ(r.code, 0);
  EXPECT_EQ(std::count(r.out.begin(), r.out.end(), '\n'), 2);
  EXPECT_THAT(r.out, HasSubstr(" readlink "));
  EXPECT_THAT(r.out, HasSubstr(" exit "));
}
TEST_F(LogCommand, InfoSaysWhatTheLogIsAbout) {
  const auto r = run({file_, "--info"});
  EXPECT_EQ(r.code, 0);
  EXPECT_THAT(r.out, HasSubstr("written by    \"test 1\", backend \"ptrace\"\n"));
  EXPECT_THAT(r.out, HasSubstr("reports       processes files\n"));
  EXPECT_THAT(r.out, HasSubstr("complete      yes\n"));
}
TEST_F(LogCommand, InfoIsAnObjectWithJson) {
  const auto j = nlohmann::json::parse(run({file_, "--info", "--json"}).out);
  EXPECT_EQ(j["events"], sample_events().size());
  EXPECT_EQ(j["complete"], true);
  EXPECT_EQ(j["index"], true);
  EXPECT_EQ(j["operations"]["open"], 4);
  EXPECT_EQ(j["argv"][2], "/tmp/a b\n\\\"\\xff\\xc3(deleted)");
}
TEST_F(LogCommand, CutShortLogIsPrintedThenCalledSo) {
  const std::string bytes = read_file(file_);
  fptrace::testing::write_file(file_, bytes.substr(0, bytes.size() / 2));
  const auto r = run({file_});
  EXPECT_EQ(r.code, kToolFailed);
  EXPECT_THAT(r.out, StartsWith(lines(to_text_line, 0, 10)));
  EXPECT_THAT(r.err, StartsWith("fptrace log: " + file_ + ": cut short after event "));
  const auto info = run({file_, "--info", "--json"});
  EXPECT_EQ(info.code, kToolFailed);
  EXPECT_EQ(nlohmann::json::parse(info.out)["complete"], false);
}
TEST_F(LogCommand, WhatIsNoLogIsAToolFailure) {
  fptrace::testing::write_file(file_, "hello");
  const auto r = run({file_});
  EXPECT_EQ(r.code, kToolFailed);
  EXPECT_THAT(r.err, StartsWith("fptrace log: " + file_ + ": not an event log"));
}

struct Usage {
  const char* name;
  std::vector<std::string_view> args;
  const char* error;
};
void PrintTo(const Usage& u, std::ostream* out) { *out << u.name; }
class LogUsage : public ::testing::TestWithParam<Usage> {};
TEST_P(LogUsage, IsRefusedBeforeTheLogIsOpened) {
  std::ostringstream out, err;
  std::vector<std::string_view> args = GetParam().args;
  args.insert(args.begin(), "log");
  EXPECT_EQ(dispatch({out, err}, args).code, kUsageError);
  EXPECT_THAT(err.str(), HasSubstr(GetParam().error));
}
INSTANTIATE_TEST_SUITE_P(
    , LogUsage,
    ::testing::Values(Usage{"NoFile", {}, "one event log is needed"},
                      Usage{"TwoFiles", {"a", "b"}, "one event log is needed"},
                      Usage{
                          "BadFilter", {"/no", "--filter", "x=1"}, "filter column 1: no field 'x'"},
                      Usage{"BadFrom", {"/no", "--from", "-1"}, "--from: '-1' is not a number"},
                      Usage{"BadCount", {"/no", "-n", "x"}, "--count: 'x' is not a number"}),
    [](const auto& p) { return std::string(p.param.name); });

}  // namespace
}  // namespace fptrace::cli
