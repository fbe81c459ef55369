#include "common/log/text.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "common/log/json.h"
#include "tests/unit/common/log/sample_events.h"

// FPTRACE_GOLDEN is this directory in the source tree. To renew the expectations after a wanted
// change, run log_test with FPTRACE_UPDATE_GOLDEN=1 and read the difference.

namespace fptrace::testing {
namespace {

void expect_golden(const std::string& name, const std::string& got) {
  const std::string path = std::string(FPTRACE_GOLDEN) + "/" + name;
  if (std::getenv("FPTRACE_UPDATE_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << got;
  std::ifstream in(path, std::ios::binary);
  const std::string expected{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(got, expected) << "differs from " << path;
}

TEST(EventText, OneLineForEveryEventType) {
  std::string lines;
  for (const auto& e : sample_events()) lines += to_text_line(e) + "\n";
  EXPECT_EQ(size_t(std::count(lines.begin(), lines.end(), '\n')), sample_events().size());
  expect_golden("events.txt", lines);
}

TEST(EventJson, OneObjectForEveryEventType) {
  std::string lines;
  for (const auto& e : sample_events()) lines += to_json_line(e) + "\n";
  EXPECT_EQ(size_t(std::count(lines.begin(), lines.end(), '\n')), sample_events().size());
  expect_golden("events.jsonl", lines);
}

TEST(EventJson, EveryLineIsValidAndCarriesTheSeq) {
  for (const auto& e : sample_events()) {
    const auto j = nlohmann::json::parse(to_json_line(e));
    EXPECT_EQ(j["seq"], e.seq);
    EXPECT_EQ(j["type"], type_name(e));
  }
}

TEST(EventJson, BytesThatAreNotUtf8AreKeptBeside) {
  const auto j =
      nlohmann::json::parse(to_json_line({1, 0, {}, 0, GapEvent{"fine \xc3\xa9", "not \xff\xfe"}}));
  EXPECT_EQ(j["what"], "fine \xc3\xa9");
  EXPECT_FALSE(j.contains("what_bytes"));
  EXPECT_EQ(j["detail"], "not \\xff\\xfe");
  EXPECT_EQ(j["detail_bytes"], "bm90IP/+");
}

TEST(EventJson, ListWithSuchBytesHasAParallelList) {
  ExecEvent exec;
  exec.argv = {"a", "\x80"};
  const auto j = nlohmann::json::parse(to_json_line({1, 0, {}, 0, exec}));
  EXPECT_EQ(j["argv"], (nlohmann::json{"a", "\\x80"}));
  EXPECT_EQ(j["argv_bytes"], (nlohmann::json{"YQ==", "gA=="}));
}

TEST(Quote, EscapesWhatATerminalActsOnAndIsReversible) {
  EXPECT_EQ(quote("a b"), "\"a b\"");
  EXPECT_EQ(quote("\xc3\xa9"), "\"\xc3\xa9\"");
  EXPECT_EQ(quote("\x1b[0m\n"), "\"\\x1b[0m\\x0a\"");
  EXPECT_EQ(quote("\xc2\x9b"), "\"\\xc2\\x9b\"") << "C1 control";
  EXPECT_EQ(quote("\xff"), "\"\\xff\"");
  EXPECT_EQ(quote("\\xff"), "\"\\\\xff\"") << "not the same as the byte";
  EXPECT_EQ(quote("\""), "\"\\\"\"");
}

TEST(Errno, HasNamesAndNumbers) {
  EXPECT_EQ(errno_name(ENOENT), "ENOENT");
  EXPECT_EQ(errno_name(3000), "3000");
  EXPECT_EQ(errno_number("ENOENT"), ENOENT);
  EXPECT_EQ(errno_number("13"), 13);
  EXPECT_EQ(errno_number("EWHAT"), std::nullopt);
}

}  // namespace
}  // namespace fptrace::testing
