#include "common/analysis/taint_analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/analysis/trace_script.h"

namespace fptrace {
namespace {

using test::TraceScript;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Bytes = TaintReport::Bytes;

TaintLabels set(std::vector<LabelRun> runs) { return {std::move(runs), false}; }

// A program that has read in.bin, whose byte i has label 100 + i.
class TaintAnalysisTest : public ::testing::Test {
 protected:
  TaintAnalysisTest() {
    t.add({}, TaintSourceEvent{TaintOrigin::kFile, "/w/in.bin", 0, 16, 100, 1});
    p = t.start(t.program("/bin/copy"));
    t.open(p, in);
  }
  // All at one moment, as one state of a file.
  void write(ProcessKey who, TaintSink sink, const FileRef& file,
             std::vector<TaintWriteEvent> spans) {
    const uint64_t time = t.events.back().time_ns + 7;
    for (TaintWriteEvent& e : spans) {
      e.sink = sink;
      e.file = file;
      t.add(who, e);
      t.events.back().time_ns = time;
    }
  }
  static TaintWriteEvent span(uint64_t offset, uint64_t length, bool positional, TaintLabels l) {
    return {TaintSink::kFile, {}, offset, length, positional, std::move(l), 0};
  }
  TaintReport report() {
    TaintAnalysis analysis;
    return t.feed(analysis).report();
  }

  TraceScript t;
  FileRef in = t.file("/w/in.bin", 16), out = t.file("/w/out.bin", 56);
  ProcessKey p;
};

TEST_F(TaintAnalysisTest, NamesTheBytesOfAnOutputByThoseOfItsSource) {
  write(p, TaintSink::kFile, out, {span(40, 16, true, set({{100, 115}}))});
  t.exit(p);
  t.end();
  const TaintReport r = report();
  ASSERT_THAT(r.flows, SizeIs(1));
  EXPECT_EQ(r.flows[0].first, 40u);
  EXPECT_EQ(r.flows[0].last, 55u);
  EXPECT_TRUE(r.flows[0].positional);
  EXPECT_EQ(describe(r, r.flows[0].from[0]), "in.bin[0..15]");
  EXPECT_EQ(title(r, r.outputs[0]), "out.bin");
  EXPECT_EQ(r.outputs[0].bytes, 16u);
  ASSERT_THAT(r.outputs[0].processes, SizeIs(1));
  EXPECT_EQ(r.processes[r.outputs[0].processes[0]].program, "/bin/copy");
  EXPECT_EQ(r.sources[0].bytes, 16u);
  EXPECT_EQ(r.sources[0].dead_bytes, 0u);
  EXPECT_TRUE(r.complete);
}

TEST_F(TaintAnalysisTest, JoinsSpansThatGoOnAndKeepsOthersApart) {
  write(p, TaintSink::kFile, out,
        {span(0, 2, true, set({{100, 101}})), span(2, 1, false, set({{102, 102}})),
         span(3, 4, false, set({{100, 115}})), span(7, 1, false, set({{100, 115}})),
         span(9, 1, false, set({{100, 115}}))});
  const TaintReport r = report();
  ASSERT_THAT(r.flows, SizeIs(3));
  EXPECT_EQ(r.flows[0].last, 2u);
  EXPECT_TRUE(r.flows[0].positional);
  EXPECT_THAT(r.flows[0].from, ElementsAre(Bytes{0, 0, 2, false}));
  EXPECT_EQ(r.flows[1].first, 3u);
  EXPECT_EQ(r.flows[1].last, 7u);
  EXPECT_EQ(r.flows[2].first, 9u);
}

TEST_F(TaintAnalysisTest, LaterStateOfAFileTakesThePlaceOfTheFirst) {
  write(p, TaintSink::kFile, out, {span(0, 4, true, set({{100, 103}}))});
  write(p, TaintSink::kFile, out, {span(8, 2, true, set({{110, 111}}))});
  const TaintReport r = report();
  ASSERT_THAT(r.flows, SizeIs(1));
  EXPECT_EQ(r.flows[0].first, 8u);
  write(p, TaintSink::kFile, out, {span(0, 0, false, {})});
  EXPECT_THAT(report().flows, IsEmpty());
}

TEST_F(TaintAnalysisTest, PipeBetweenProcessesIsNoOutputButTheProgramsOwnIs) {
  TraceScript s;
  FileRef stream, pipe;
  stream.path = "pipe:[7]";
  stream.dev = 9, stream.ino = 7;
  pipe = stream;
  pipe.path = "pipe:[8]";
  pipe.ino = 8;
  const ProcessKey root{100, 1};
  s.add(root, FdEvent{FdOrigin::kInherited, 1, 1, stream});
  s.exec(root, s.program("/bin/cat"));
  t = s;
  t.add({}, TaintSourceEvent{TaintOrigin::kStdin, "", 0, 10, 5, 1});
  write(root, TaintSink::kPipe, pipe, {span(0, 4, true, set({{5, 8}}))});
  TaintReport r = report();
  EXPECT_TRUE(r.outputs[0].internal);
  EXPECT_EQ(r.sources[0].dead_bytes, 10u) << "a pipe is on the way, not the end";
  write(root, TaintSink::kPipe, stream, {span(0, 4, true, set({{5, 8}}))});
  r = report();
  ASSERT_THAT(r.outputs, SizeIs(2));
  EXPECT_EQ(r.outputs[0].name, "standard output");
  EXPECT_FALSE(r.outputs[0].internal);
  EXPECT_THAT(r.sources[0].dead, ElementsAre(Bytes{0, 4, 9, false}));
  EXPECT_EQ(title(r, r.sources[0]), "standard input");
}

TEST_F(TaintAnalysisTest, DeadBytesReachNeitherBranchNorOutput) {
  t.add(p,
        TaintUseEvent{TaintUse::kBranch, {1, "/bin/copy", 2, "main", "", 0}, set({{100, 103}}), 9});
  t.add(p, TaintUseEvent{
               TaintUse::kInstruction, {1, "/bin/copy", 2, "main", "", 0}, set({{100, 115}}), 9});
  write(p, TaintSink::kFile, out, {span(0, 1, true, set({{110, 110}}))});
  const TaintReport r = report();
  EXPECT_THAT(r.sources[0].dead, ElementsAre(Bytes{0, 4, 9, false}, Bytes{0, 11, 15, false}));
  EXPECT_EQ(r.sources[0].dead_bytes, 11u);
}

TEST_F(TaintAnalysisTest, SamePlaceOfSeveralProcessesIsOneUse) {
  const ProcessKey q = t.fork(p);
  const auto use = [](uint64_t address, LabelRun labels) {
    return TaintUseEvent{
        TaintUse::kBranch, {address, "/bin/copy", 0x2a, "f", "", 0}, set({labels}), 2};
  };
  t.add(p, use(0x1000, {100, 101}));
  t.add(q, use(0x7000, {101, 105}));
  const TaintReport r = report();
  ASSERT_THAT(r.uses, SizeIs(1));
  EXPECT_EQ(r.uses[0].times, 4u);
  EXPECT_THAT(r.uses[0].processes, SizeIs(2));
  EXPECT_THAT(r.uses[0].from, ElementsAre(Bytes{0, 0, 5, false}));
}

TEST_F(TaintAnalysisTest, HoldersComeWithTheirPrograms) {
  t.add(p, TaintHolderEvent{set({{100, 101}})});
  const TaintReport r = report();
  ASSERT_THAT(r.processes, SizeIs(1));
  EXPECT_EQ(r.processes[0].program, "/bin/copy");
  EXPECT_THAT(r.processes[0].holds, ElementsAre(Bytes{0, 0, 1, false}));
}

TEST_F(TaintAnalysisTest, OneLabelIsTheWholeSource) {
  t.add({}, TaintSourceEvent{TaintOrigin::kEnvironment, "HOME", 0, 5, 50, 0});
  write(p, TaintSink::kFile, out, {span(0, 3, false, set({{50, 50}, {100, 100}}))});
  const TaintReport r = report();
  ASSERT_THAT(r.flows[0].from, SizeIs(2));
  EXPECT_EQ(describe(r, r.flows[0].from[0]), "in.bin[0]");
  EXPECT_EQ(describe(r, r.flows[0].from[1]), "$HOME");
  EXPECT_EQ(r.sources[1].bytes, 5u);
  EXPECT_EQ(r.sources[1].dead_bytes, 0u);
}

TEST_F(TaintAnalysisTest, PageThatWasReadAgainIsLabelledOnce) {
  t.add({}, TaintSourceEvent{TaintOrigin::kFile, "/w/in.bin", 8, 16, 108, 1});
  const TaintReport r = report();
  EXPECT_EQ(r.sources[0].bytes, 24u);
  EXPECT_THAT(r.sources[0].ranges, ElementsAre(Bytes{0, 0, 23, false}));
}

TEST_F(TaintAnalysisTest, SourceThatNobodyOpensIsNoted) {
  t.add({}, TaintSourceEvent{TaintOrigin::kFile, "/w/other", 0, 0, 400, 1});
  const TaintReport r = report();
  ASSERT_THAT(r.notes, SizeIs(1));
  EXPECT_EQ(r.notes[0].detail, "other: no process of the recording opened it");
}

TEST_F(TaintAnalysisTest, DifferenceIsWhatOnlyTheSecondHas) {
  write(p, TaintSink::kFile, out, {span(0, 4, true, set({{100, 103}}))});
  const TaintReport data = report();
  write(p, TaintSink::kFile, out, {span(0, 6, false, set({{100, 105}}))});
  t.add(p, TaintUseEvent{TaintUse::kJump, {1, "/bin/copy", 2, "", "", 0}, set({{100, 100}}), 1});
  const TaintReport pointers = report();
  const TaintDifference d = difference(data, pointers);
  ASSERT_THAT(d.outputs, SizeIs(1));
  EXPECT_EQ(d.outputs[0].name, "out.bin");
  EXPECT_EQ(d.outputs[0].bytes, 2u);
  EXPECT_THAT(d.outputs[0].from, ElementsAre("in.bin[4..5]"));
  EXPECT_EQ(d.uses, 1u);
  EXPECT_THAT(difference(data, data).outputs, IsEmpty());
  EXPECT_EQ(difference(data, data).uses, 0u);
}

TEST_F(TaintAnalysisTest, EqualTracesGiveEqualReports) {
  write(p, TaintSink::kFile, out, {span(0, 4, true, set({{100, 103}}))});
  EXPECT_EQ(report().flows, report().flows);
}

}  // namespace
}  // namespace fptrace
