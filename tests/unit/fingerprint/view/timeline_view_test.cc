#include "fingerprint/view/timeline_view.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace fptrace {
namespace {

using Kind = Timeline::Kind;

Timeline sample() {
  Timeline t;
  t.runs(0, {Kind::kProcess, 10, 1}, "sh");
  t.runs(500'000, {Kind::kProcess, 11, 2}, "cat <&>");
  t.runs(1'000'000, {Kind::kIdle}, "swapper/0");
  t.runs(1'500'000, {Kind::kProcess, 10, 1}, "sh");
  t.ends(2'000'000);
  return t;
}

TEST(TimelineText, DrawsAStripForEach) {
  EXPECT_EQ(timeline_text(sample(), {.width = 52, .ascii = true}),
            "PID  NAME       SHARE\n"
            "10   sh        50.0 % |######+             +######|\n"
            "11   cat <&>   25.0 % |      .######-             |\n"
            "     (idle)    25.0 % |             -######.      |\n"
            "                       0       2000 k instructions\n");
}

TEST(TimelineText, FitsTheTerminal) {
  for (const size_t width : {50u, 80u, 200u}) {
    std::istringstream lines(timeline_text(sample(), {.width = width}));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(columns(line), width) << line;
  }
}

TEST(TimelineText, OfNothingIsItsHeadings) {
  EXPECT_TRUE(timeline_text({}, {}).starts_with("PID  NAME"));
}

TEST(TimelineText, WhatIsShortIsSeenAllTheSame) {
  Timeline t;
  t.runs(0, {Kind::kProcess, 10, 1}, "sh");
  t.runs(1'000'000, {Kind::kProcess, 11, 2}, "true");
  t.runs(1'000'001, {Kind::kProcess, 10, 1}, "sh");
  t.ends(2'000'000);
  const std::string text = timeline_text(t, {.width = 60, .ascii = true});
  const std::string line = text.substr(text.find("\n11 "));
  EXPECT_EQ(std::ranges::count(line.substr(line.find('|')), '.'), 1) << text;
}

TEST(TimelineSvg, EscapesNamesAndStaysSmall) {
  Timeline t = sample();
  for (uint64_t i = 0; i < 100'000; ++i)
    t.runs(2'000'000 + i * 7, {Kind::kProcess, pid_t(10 + i % 2), 1 + i % 2}, "x");
  t.ends(3'000'000);
  const std::string svg = timeline_svg(t, "run <\x01> & \"co\"");
  EXPECT_NE(svg.find("run &lt;\\x01&gt; &amp; &quot;co&quot;"), svg.npos);
  EXPECT_NE(svg.find("cat &lt;&amp;&gt;"), svg.npos);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  EXPECT_LT(svg.size(), 400'000u);
}

TEST(TimelineJson, HasEverySpan) {
  const std::string text = timeline_json(sample());
  const auto first = nlohmann::json::parse(text.substr(0, text.find('\n')));
  EXPECT_EQ(first["pid"], 10);
  EXPECT_EQ(first["instructions"], 1'000'000);
  EXPECT_EQ(first["spans"].dump(), "[[0,500000],[1500000,2000000]]");
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
  EXPECT_NE(text.find(R"({"kind":"idle","instructions":500000)"), text.npos);
}

}  // namespace
}  // namespace fptrace
