#include "fingerprint/view/taint_view.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace fptrace {
namespace {

TaintReport sample() {
  TaintReport r;
  r.complete = true;
  r.cwd = "/w";
  TaintReport::Source in;
  in.name = "/w/in.bin";
  in.bytes = 16;
  in.ranges = {{0, 0, 15, false}};
  in.dead = {{0, 12, 15, false}};
  in.dead_bytes = 4;
  r.sources = {in};
  TaintReport::Process cat;
  cat.key = {12, 3};
  cat.program = "/bin/cat";
  cat.holds = {{0, 0, 15, false}};
  r.processes = {cat};
  TaintReport::Output out;
  out.name = "/w/out.bin";
  out.bytes = 16;
  out.from = {{0, 0, 11, false}};
  out.processes = {0};
  r.outputs = {out};
  r.flows = {{0, 40, 51, true, {{0, 0, 11, false}}, false, 0},
             {0, 52, 55, false, {{0, 2, 3, false}, {0, 9, 9, false}}, true, 2}};
  TaintReport::Use use;
  use.at = {0x401136, "/w/a", 0x1136, "main+0x16", "/src/a.c", 7};
  use.processes = {0};
  use.from = {{0, 0, 0, false}};
  use.times = 16;
  r.uses = {use};
  r.summary.instructions = 100;
  r.summary.peak_labelled = 32;
  return r;
}

TEST(TaintView, TextSaysWhatWentWhere) {
  EXPECT_EQ(taint_text(sample(), {}),
            "labelled\n"
            "  in.bin  16 bytes  4 bytes reached no branch and no output: in.bin[12..15]\n"
            "outputs\n"
            "  out.bin  16 bytes  ← in.bin[0..11], written by cat (12)\n"
            "bytes\n"
            "  out.bin[40..51] ← in.bin[0..11]\n"
            "  out.bin[52..55] ← in.bin[2..3][9] (merged) (each from all), depth 2\n"
            "processes\n"
            "  cat (12)  in.bin[0..15]\n"
            "branches\n"
            "  a+0x1136  main+0x16  a.c:7  16 times  ← in.bin[0]\n"
            "jumps\n"
            "  none\n"
            "policy        data\n"
            "instructions  100 with labels, at most 32 B of memory with labels at a time\n"
            "not modelled  none\n");
}

TEST(TaintView, EmptyReportSaysWhatWasLabelled) {
  TaintReport r = sample();
  r.outputs.clear();
  r.flows.clear();
  r.uses.clear();
  r.processes.clear();
  const std::string text = taint_text(r, {});
  EXPECT_NE(text.find("in.bin  16 bytes"), text.npos) << text;
  EXPECT_NE(text.find("none of it got anywhere"), text.npos) << text;
}

TEST(TaintView, LongTablesAreCutAndSaySo) {
  TaintReport r = sample();
  for (uint64_t i = 0; i < 30; ++i)
    r.flows.push_back({0, 100 + 2 * i, 100 + 2 * i, false, {{0, 0, 1, false}}, false, 0});
  TaintViewOptions options;
  options.most_rows = 5;
  EXPECT_NE(taint_text(r, options).find("and 27 more ranges"), std::string::npos);
  options.most_rows = 0;
  EXPECT_EQ(taint_text(r, options).find("more ranges"), std::string::npos);
}

TEST(TaintView, UnmodelledInstructionsAreNamed) {
  TaintReport r = sample();
  r.summary.unmodelled = 12;
  r.summary.unmodelled_tainted = 1;
  r.unmodelled = {{"vaddps", 12, 1}};
  const std::string text = taint_text(r, {});
  EXPECT_NE(text.find("not modelled  1 of 12 executions with labels\n  vaddps 1 of 12\n"),
            text.npos)
      << text;
}

TEST(TaintView, NamesCannotActOnATerminal) {
  TaintReport r = sample();
  r.sources[0].name = "/w/\x1b[2Jx";
  r.cwd = "/elsewhere";
  EXPECT_EQ(taint_text(r, {}).find('\x1b'), std::string::npos);
  EXPECT_EQ(taint_dot(r).find('\x1b'), std::string::npos);
}

TEST(TaintView, JsonHasAllOfIt) {
  const TaintDifference more{{{"out.bin", 2, {"in.bin[4..5]"}}}, 1};
  const auto j = nlohmann::json::parse(taint_json(sample(), &more));
  EXPECT_EQ(j["schema"], "fptrace.taint/1");
  EXPECT_EQ(j["coarse"], false);
  EXPECT_EQ(j["sources"][0]["name"], "/w/in.bin");
  EXPECT_EQ(j["sources"][0]["dead_bytes"], 4);
  EXPECT_EQ(j["flows"][0]["from"][0]["last"], 11);
  EXPECT_EQ(j["flows"][1]["merged"], true);
  EXPECT_EQ(j["uses"][0]["line"], 7);
  EXPECT_EQ(j["only_with_pointers"]["outputs"][0]["bytes"], 2);
  EXPECT_FALSE(nlohmann::json::parse(taint_json(sample(), nullptr)).contains("only_with_pointers"));
}

TEST(TaintView, GraphLeadsFromSourceByProcessToOutput) {
  const std::string dot = taint_dot(sample());
  for (const char* part : {"label=\"in.bin\"", "label=\"cat (12)\"", "label=\"out.bin\"",
                           "s0 -> p0;", "p0 -> o0 [label=\"16 bytes\"]"})
    EXPECT_NE(dot.find(part), dot.npos) << part << " is not in\n" << dot;
}

TEST(TaintView, CoarseReportSaysSo) {
  TaintReport r = sample();
  r.coarse = true;
  r.uses.clear();
  r.outputs[0].from = {{0, 0, 0, true}};
  const std::string text = taint_text(r, {});
  EXPECT_TRUE(text.starts_with("coarse: ")) << text;
  EXPECT_NE(text.find("out.bin    ← in.bin, written by cat (12)"), text.npos) << text;
  EXPECT_EQ(nlohmann::json::parse(taint_json(r, nullptr))["coarse"], true);
}

}  // namespace
}  // namespace fptrace
