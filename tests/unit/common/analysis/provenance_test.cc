#include "common/analysis/provenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/analysis/trace_script.h"

namespace fptrace {
namespace {

using test::TraceScript;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Lines = std::vector<std::string>;

Lines flows(const TraceScript& t) {
  Provenance p;
  const TaintReport r = t.feed(p).report();
  EXPECT_TRUE(r.coarse);
  Lines out;
  for (const TaintReport::Output& o : r.outputs) {
    std::string line = title(r, o) + " <-";
    for (const auto& from : o.from) line += " " + describe(r, from);
    out.push_back(line);
  }
  return out;
}

TEST(Provenance, WhatAProcessReadMayBeInWhatItWrites) {
  TraceScript t;
  const ProcessKey p = t.start(t.program("/bin/cp"));
  t.load(p, t.file("/lib/libc.so"));
  t.open(p, t.file("/w/a"));
  t.create(p, t.file("/w/b"));
  t.exit(p);
  EXPECT_THAT(flows(t), ElementsAre("b <- a"));
}

TEST(Provenance, ShellOpensTheOutputBeforeTheProgramReads) {
  TraceScript t;
  const ProcessKey sh = t.start(t.program("/bin/sh"));
  t.open(sh, t.file("/w/script"));
  const ProcessKey cat = t.fork(sh);
  t.create(cat, t.file("/w/b"));
  t.exec(cat, t.program("/bin/cat"));
  OpenEvent a;
  a.at = TraceScript::at(t.file("/w/a"));
  a.fd = 4;
  t.add(cat, a);
  t.exit(cat);
  t.exit(sh);
  EXPECT_THAT(flows(t), ElementsAre("b <- a"))
      << "what the shell read before the exec is out of reach";
}

TEST(Provenance, ForkedProcessHasWhatItsParentRead) {
  TraceScript t;
  const ProcessKey p = t.start(t.program("/bin/a"));
  t.open(p, t.file("/w/in"));
  const ProcessKey child = t.fork(p);
  t.create(child, t.file("/w/out"));
  t.exit(child);
  t.exit(p);
  EXPECT_THAT(flows(t), ElementsAre("out <- in"));
}

TEST(Provenance, SiblingsOfOneTimeMayShareAPipe) {
  TraceScript t;
  const ProcessKey sh = t.start(t.program("/bin/sh"));
  const ProcessKey gzip = t.fork(sh);
  t.create(gzip, t.file("/w/out.gz"));
  const ProcessKey cat = t.fork(sh);
  t.exec(cat, t.program("/bin/cat"));
  t.open(cat, t.file("/w/secret"));
  t.exec(gzip, t.program("/bin/gzip"));
  t.exit(cat);
  t.exit(gzip);
  const ProcessKey later = t.fork(sh);
  t.create(later, t.file("/w/later"));
  t.exit(later);
  t.exit(sh);
  EXPECT_THAT(flows(t), ElementsAre("out.gz <- secret")) << "the later one had no part in it";
}

TEST(Provenance, OutputThatWasClosedIsNotInherited) {
  TraceScript t;
  const ProcessKey sh = t.start(t.program("/bin/sh"));
  t.create(sh, t.file("/w/log"));
  t.open(sh, t.dir("/w"));  // gets the same number: the log was closed
  const ProcessKey cat = t.fork(sh);
  t.exec(cat, t.program("/bin/cat"));
  t.open(cat, t.file("/w/secret"));
  t.exit(cat);
  t.exit(sh);
  EXPECT_THAT(flows(t), IsEmpty());
}

TEST(Provenance, OutputIsCalledByItsLastName) {
  TraceScript t;
  const ProcessKey p = t.start(t.program("/bin/sed"));
  t.open(p, t.file("/w/a"));
  const FileRef temporary = t.file("/w/sedXYZ");
  t.create(p, temporary);
  t.rename(p, temporary, TraceScript::nothing("/w/b"));
  t.exit(p);
  EXPECT_THAT(flows(t), ElementsAre("b <- a"));
}

TEST(Provenance, ProcessThatIsNotSeenToEndCountsToo) {
  TraceScript t;
  const ProcessKey p = t.start(t.program("/bin/cp"));
  t.open(p, t.file("/w/a"));
  t.create(p, t.file("/w/b"));
  Provenance analysis;
  EXPECT_FALSE(t.feed(analysis).report().complete);
  EXPECT_THAT(flows(t), ElementsAre("b <- a"));
}

}  // namespace
}  // namespace fptrace
