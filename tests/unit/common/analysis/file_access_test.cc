#include "common/analysis/file_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "tests/unit/common/analysis/trace_script.h"

namespace fptrace {
namespace {

using test::TraceScript;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

// Every test tells a run of /a and looks at the report as lines.
class FileAccessTest : public ::testing::Test {
 protected:
  FileAccessTest() { p = t.start(a); }

  FileReport report() {
    FileAccess access;
    return t.feed(access).report();
  }
  // "PATH ROLE,ROLE #HASH", without the program and its loader.
  std::vector<std::string> inputs() {
    std::vector<std::string> out;
    for (const FileUse& f : report().files) {
      if (f.file.path == "/a" || f.file.path == "/lib64/ld.so") continue;
      std::string line = f.file.path + " ";
      for (size_t i = 0; i < kRoleNames.size(); ++i) {
        if (f.roles.has(Role(i))) line += std::string(kRoleNames[i]) + ",";
      }
      line.pop_back();
      if (f.sha256) line += " #" + std::to_string((*f.sha256)[0]);
      out.push_back(line);
    }
    return out;
  }
  std::vector<std::string> outputs() {
    std::vector<std::string> out;
    for (const FileOutput& o : report().outputs) {
      out.push_back(o.path + (o.sha256 ? " #" + std::to_string((*o.sha256)[0]) : ""));
    }
    return out;
  }
  std::vector<std::string> missing() {
    std::vector<std::string> out;
    for (const MissingUse& m : report().missing) {
      out.push_back(m.path + " " + std::to_string(m.error));
    }
    return out;
  }
  std::vector<std::string> temporaries() { return report().temporaries; }
  FileUse use(const std::string& path) {
    for (FileUse& f : report().files) {
      if (f.file.path == path) return f;
    }
    ADD_FAILURE() << "no " << path;
    return {};
  }
  static Lookup none(const std::string& path) {
    return TraceScript::at(TraceScript::nothing(path));
  }
  static FileRef changed(FileRef f) {
    f.mtime_ns += 5;
    return f;
  }

  TraceScript t;
  FileRef a = t.program("/a");
  ProcessKey p;
};

// Reading ----------------------------------------------------------------------------------------

TEST_F(FileAccessTest, ProgramAndLoaderAreExecutableAndLibrary) {
  EXPECT_EQ(use("/a").roles, RoleSet{Role::kExecutable});
  EXPECT_EQ(use("/lib64/ld.so").roles, RoleSet{Role::kLibrary});
  EXPECT_THAT(use("/lib64/ld.so").opened_by, ElementsAre("/a"));
  EXPECT_THAT(use("/a").opened_by, IsEmpty());
}

TEST_F(FileAccessTest, ReadFileIsDataWithTheHashItHad) {
  const FileRef f = t.file("/d");
  t.open(p, f);
  t.input(f, 7);
  EXPECT_THAT(inputs(), ElementsAre("/d data #7"));
  EXPECT_THAT(use("/d").opened_by, ElementsAre("/a"));
}

TEST_F(FileAccessTest, OnlyAskedAboutIsMetadata) {
  t.path(p, PathOp::kStat, t.at(t.file("/s")));
  t.path(p, PathOp::kAccess, t.at(t.file("/x")));
  t.path(p, PathOp::kAccess, t.at(t.file("/y")), EACCES);
  t.open(p, t.file("/path"), O_PATH);
  t.open(p, t.dir("/dir"), O_RDONLY | O_DIRECTORY);
  t.path(p, PathOp::kChdir, t.at(t.dir("/dir2")));
  EXPECT_THAT(inputs(), ElementsAre("/dir metadata", "/dir2 metadata", "/path metadata",
                                    "/s metadata", "/x metadata", "/y metadata"));
  EXPECT_THAT(missing(), IsEmpty());
}

TEST_F(FileAccessTest, AskedAboutAndThenReadIsData) {
  const FileRef f = t.file("/s");
  t.path(p, PathOp::kStat, t.at(f));
  t.open(p, f);
  t.path(p, PathOp::kStat, t.at(f));
  EXPECT_THAT(inputs(), ElementsAre("/s data"));
}

TEST_F(FileAccessTest, ListedDirectoryIsDirectory) {
  const FileRef d = t.dir("/d");
  t.open(p, d, O_RDONLY | O_DIRECTORY);
  t.add(p, ListEvent{d});
  EXPECT_THAT(inputs(), ElementsAre("/d directory"));
}

TEST_F(FileAccessTest, ReadLinkKeepsItsTarget) {
  const FileRef link = t.file("/l", 3, S_IFLNK | 0777);
  t.path(p, PathOp::kReadlink, t.at(link), 0, "to");
  EXPECT_THAT(inputs(), ElementsAre("/l metadata"));
  EXPECT_EQ(use("/l").target, "to");
}

TEST_F(FileAccessTest, SpellingsAndLinksAreKept) {
  const FileRef f = t.file("/usr/lib/x");
  t.open(p, t.at(f, "/lib/x", {"/lib"}));
  t.open(p, t.at(f, ".//./../usr/lib/x"));
  t.open(p, t.at(f, "/usr//lib/./x"));
  EXPECT_THAT(use("/usr/lib/x").as_used, ElementsAre("/lib/x", "/w/../usr/lib/x"));
  EXPECT_THAT(use("/usr/lib/x").links, ElementsAre("/lib"));
}

TEST_F(FileAccessTest, ScriptAndEveryInterpreter) {
  ExecEvent e;
  e.program = t.at(t.program("/w/one"));
  e.interpreters = {t.at(t.program("/w/two")), t.at(t.program("/bin/sh"))};
  e.loader = t.at(t.loader);
  t.add(p, e);
  t.open(p, e.program.file);  // the interpreter reads its script
  EXPECT_THAT(inputs(),
              ElementsAre("/bin/sh interpreter", "/w/one script", "/w/two script,interpreter"));
  EXPECT_THAT(use("/w/one").opened_by, ElementsAre("/a", "/bin/sh"));
}

TEST_F(FileAccessTest, MappedFileIsLibraryAndNotData) {
  const FileRef lib = t.file("/lib/x.so");
  t.load(p, lib);
  t.open(p, lib);  // a second dlopen finds it loaded
  EXPECT_THAT(inputs(), ElementsAre("/lib/x.so library"));
}

TEST_F(FileAccessTest, LibraryThatAnotherProgramReadsIsDataToo) {
  const FileRef lib = t.file("/lib/x.so");
  t.load(p, lib);
  const ProcessKey nm = t.fork(p);
  t.exec(nm, t.program("/nm"));
  t.open(nm, lib);
  t.exit(nm);
  EXPECT_THAT(inputs(), ElementsAre("/lib/x.so library,data", "/nm executable"));
}

TEST_F(FileAccessTest, OpensOfManyFilesAreData) {
  for (int i = 0; i < 200; ++i) t.open(p, t.file("/d" + std::to_string(i)));
  t.exit(p);
  EXPECT_EQ(inputs().size(), 200u);
  EXPECT_THAT(inputs(), ::testing::Each(::testing::HasSubstr(" data")));
}

TEST_F(FileAccessTest, MemfdIsAnInputOnlyWhenItIsRun) {
  FileRef ran = t.program("memfd:x"), buffer = t.file("memfd:y");
  const FileRef source = t.program("/bin/ls");
  t.open(p, source);
  t.open(p, buffer);
  ExecEvent e;
  e.program = {"/proc/self/fd/3", "", {}, ran};
  t.add(p, e);
  t.input(ran, 4);
  t.input(source, 4);
  EXPECT_THAT(inputs(), ElementsAre("/bin/ls data #4", "memfd:x executable #4"));
}

TEST_F(FileAccessTest, MemfdsOfOneNameAreNumberedByContent) {
  for (const uint8_t tag : {uint8_t(9), uint8_t(3)}) {
    const FileRef f = t.program("memfd:x");
    t.exec(p, f);
    t.input(f, tag);
  }
  EXPECT_THAT(inputs(), ElementsAre("memfd:x executable #3", "memfd:x#2 executable #9"));
}

TEST_F(FileAccessTest, PipesAndAnonymousFilesAreNothing) {
  t.open(p, t.file("pipe:[7]", 0, S_IFIFO | 0600), O_RDWR);
  t.open(p, t.file("anon_inode:[eventfd]", 0, 0600));
  EXPECT_THAT(inputs(), IsEmpty());
  EXPECT_THAT(outputs(), IsEmpty());
}

TEST_F(FileAccessTest, BindMountedFileKeepsItsSource) {
  FileRef f = t.file("/mnt/x");
  f.source = "/real/x";
  t.open(p, f);
  EXPECT_EQ(use("/mnt/x").file.source, "/real/x");
}

TEST_F(FileAccessTest, NamesThatOneFileHadBeforeAreInputsEach) {
  const FileRef f = t.file("/bin/perl");
  t.open(p, f);
  t.open(p, t.renamed(f, "/bin/perl5"));
  t.input(f, 2);
  EXPECT_THAT(inputs(), ElementsAre("/bin/perl data #2", "/bin/perl5 data #2"));
}

// Writing ----------------------------------------------------------------------------------------

TEST_F(FileAccessTest, CreatedFileIsOutputAndNeverInput) {
  const FileRef f = t.file("/out", 0);
  t.path(p, PathOp::kStat, none("/out"), ENOENT);
  t.create(p, f, O_RDWR | O_CREAT);
  t.open(p, f);
  t.path(p, PathOp::kStat, t.at(f));
  t.exec(p, f);
  FileRef done = f;
  done.size = 3;
  t.output(done, 5);
  EXPECT_THAT(inputs(), IsEmpty());
  EXPECT_THAT(outputs(), ElementsAre("/out #5"));
  EXPECT_EQ(report().outputs[0].size, 3u);
  EXPECT_THAT(missing(), IsEmpty());
}

TEST_F(FileAccessTest, CreatedAndDeletedIsTemporary) {
  const FileRef f = t.file("/tmp/x");
  t.create(p, f, O_RDWR | O_CREAT);
  t.open(p, f);
  t.path(p, PathOp::kUnlink, t.at(f));
  EXPECT_THAT(inputs(), IsEmpty());
  EXPECT_THAT(outputs(), IsEmpty());
  EXPECT_THAT(temporaries(), ElementsAre("/tmp/x"));
}

TEST_F(FileAccessTest, ReadThenOverwrittenIsInputAsItWasAndOutput) {
  const FileRef f = t.file("/x");
  t.open(p, f);
  t.input(f, 1);
  t.open(p, f, O_WRONLY | O_TRUNC);
  t.open(p, f);
  t.output(changed(f), 2);
  EXPECT_THAT(inputs(), ElementsAre("/x data #1"));
  EXPECT_THAT(outputs(), ElementsAre("/x #2"));
}

TEST_F(FileAccessTest, OverwrittenThenReadIsOnlyOutput) {
  const FileRef f = t.file("/x");
  t.path(p, PathOp::kStat, t.at(f));
  t.open(p, f, O_WRONLY | O_CREAT | O_TRUNC);
  t.open(p, f);
  t.output(changed(f), 2);
  EXPECT_THAT(inputs(), IsEmpty());
  EXPECT_THAT(outputs(), ElementsAre("/x #2"));
}

TEST_F(FileAccessTest, ReadAfterPartialWriteStillSeesOldContent) {
  const FileRef f = t.file("/x");
  t.open(p, f, O_WRONLY);
  t.open(p, f);
  t.input(f, 1);
  t.output(changed(f), 2);
  EXPECT_THAT(inputs(), ElementsAre("/x data #1"));
  EXPECT_THAT(outputs(), ElementsAre("/x #2"));
}

TEST_F(FileAccessTest, OpenForBothIsInputAndOutputOnlyIfChanged) {
  const FileRef same = t.file("/same"), other = t.file("/other"), trunc = t.file("/trunc");
  for (const FileRef& f : {same, other}) t.open(p, f, O_RDWR | O_CREAT);
  t.open(p, trunc, O_RDWR | O_TRUNC);
  for (const FileRef& f : {same, other}) t.input(f, 1);
  t.output(same, 1);
  t.output(other, 2);  // same size and time, other content
  t.output(trunc, 3);
  EXPECT_THAT(inputs(), ElementsAre("/other data #1", "/same data #1"));
  EXPECT_THAT(outputs(), ElementsAre("/other #2", "/trunc #3"));
}

TEST_F(FileAccessTest, WithoutHashesAFileOpenedForWritingCountsAsWritten) {
  const FileRef f = t.file("/x");
  t.open(p, f, O_WRONLY | O_APPEND);
  EXPECT_THAT(inputs(), IsEmpty());
  EXPECT_THAT(outputs(), ElementsAre("/x"));
}

TEST_F(FileAccessTest, TruncateWritesWithoutReading) {
  const FileRef f = t.file("/x");
  t.path(p, PathOp::kTruncate, t.at(f));
  FileRef shorter = f;
  shorter.size = 1;
  t.output(shorter, 2);
  EXPECT_THAT(inputs(), IsEmpty());
  EXPECT_THAT(outputs(), ElementsAre("/x #2"));
}

TEST_F(FileAccessTest, DirectoriesLinksAndPipesThatTheRunMakesAreOutputs) {
  t.path(p, PathOp::kMkdir, t.at(t.dir("/d")));
  t.path(p, PathOp::kSymlink, t.at(t.file("/l", 1, S_IFLNK | 0777)), 0, "d");
  t.path(p, PathOp::kMknod, t.at(t.file("/p", 0, S_IFIFO | 0600)));
  const auto outs = report().outputs;
  ASSERT_EQ(outs.size(), 3u);
  EXPECT_EQ(outs[0].type, FileType::kDirectory);
  EXPECT_EQ(outs[1].type, FileType::kSymlink);
  EXPECT_EQ(outs[1].target, "d");
  EXPECT_EQ(outs[2].type, FileType::kFifo);
}

TEST_F(FileAccessTest, ChangingAttributesIsAskingOnly) {
  t.path(p, PathOp::kChmod, t.at(t.file("/x")));
  EXPECT_THAT(inputs(), ElementsAre("/x metadata"));
  EXPECT_THAT(outputs(), IsEmpty());
}

// Names ------------------------------------------------------------------------------------------

TEST_F(FileAccessTest, WrittenRenamedAndReadBackIsAnOutputUnderTheLastName) {
  const FileRef f = t.file("/out.tmp1");
  t.create(p, f);
  t.rename(p, f, t.nothing("/out"));
  t.open(p, t.renamed(f, "/out"));
  t.output(t.renamed(f, "/out"), 6);
  EXPECT_THAT(inputs(), IsEmpty());
  EXPECT_THAT(outputs(), ElementsAre("/out #6"));
  EXPECT_THAT(temporaries(), IsEmpty());
}

TEST_F(FileAccessTest, ReplacingAnOldOutputByRenameIsNoInput) {
  const FileRef old = t.file("/out"), f = t.file("/tmp.1");
  t.path(p, PathOp::kStat, t.at(old));
  t.create(p, f);
  t.rename(p, f, old);
  t.open(p, t.renamed(f, "/out"));
  EXPECT_THAT(inputs(), IsEmpty());
  EXPECT_THAT(outputs(), ElementsAre("/out"));
}

TEST_F(FileAccessTest, ReadThenReplacedByRenameIsInputAndOutput) {
  const FileRef old = t.file("/conf"), f = t.file("/conf.new");
  t.open(p, old);
  t.create(p, f);
  t.rename(p, f, old);
  t.input(old, 1);
  t.output(t.renamed(f, "/conf"), 2);
  EXPECT_THAT(inputs(), ElementsAre("/conf data #1"));
  EXPECT_THAT(outputs(), ElementsAre("/conf #2"));
}

TEST_F(FileAccessTest, RenamedInputKeepsItsOriginalName) {
  const FileRef f = t.file("/in");
  t.rename(p, f, t.nothing("/moved"));
  t.open(p, t.renamed(f, "/moved"));
  t.input(f, 3);
  EXPECT_THAT(inputs(), ElementsAre("/in data #3"));
  EXPECT_THAT(use("/in").as_used, IsEmpty());
  EXPECT_THAT(outputs(), ElementsAre("/moved #3"));
}

TEST_F(FileAccessTest, InputRenamedAwayAndBackIsNoOutput) {
  const FileRef f = t.file("/in");
  t.rename(p, f, t.nothing("/moved"));
  t.rename(p, t.renamed(f, "/moved"), t.nothing("/in"));
  t.open(p, f);
  EXPECT_THAT(inputs(), ElementsAre("/in data"));
  EXPECT_THAT(outputs(), IsEmpty());
}

TEST_F(FileAccessTest, HardLinkOfAnInputIsReadUnderTheOriginalName) {
  const FileRef f = t.file("/in");
  t.rename(p, f, t.nothing("/alias"), RenameOp::kLink);
  t.open(p, t.at(t.renamed(f, "/alias"), "alias"));
  EXPECT_THAT(inputs(), ElementsAre("/in data"));
  EXPECT_THAT(outputs(), ElementsAre("/alias"));
  t.path(p, PathOp::kUnlink, t.at(t.renamed(f, "/alias")));
  EXPECT_THAT(outputs(), IsEmpty());
}

TEST_F(FileAccessTest, HardLinkedOutputHasBothNames) {
  const FileRef f = t.file("/one");
  t.create(p, f);
  t.rename(p, f, t.nothing("/two"), RenameOp::kLink);
  t.output(f, 5);
  EXPECT_THAT(outputs(), ElementsAre("/one #5", "/two #5"));
}

TEST_F(FileAccessTest, RenameBetweenNamesOfOneFileDoesNothing) {
  const FileRef f = t.file("/one");
  t.create(p, f);
  t.rename(p, f, t.nothing("/two"), RenameOp::kLink);
  t.rename(p, f, t.renamed(f, "/two"));
  EXPECT_THAT(outputs(), ElementsAre("/one", "/two"));
}

TEST_F(FileAccessTest, FilesMoveAlongWithTheirDirectory) {
  const FileRef d = t.dir("/w/d.tmp");
  t.path(p, PathOp::kMkdir, t.at(d));
  t.create(p, t.file("/w/d.tmp/x"));
  t.rename(p, d, t.nothing("/w/d"));
  EXPECT_THAT(outputs(), ElementsAre("/w/d", "/w/d/x"));
}

TEST_F(FileAccessTest, InputsBelowARenamedDirectoryKeepTheirNames) {
  const FileRef d = t.dir("/w/d");
  t.rename(p, d, t.nothing("/w/e"));
  t.open(p, t.file("/w/e/x"));
  t.open_fails(p, none("/w/e/absent"));
  EXPECT_THAT(inputs(), ElementsAre("/w/d metadata", "/w/d/x data"));
  EXPECT_THAT(missing(), ElementsAre("/w/d/absent 2"));
}

TEST_F(FileAccessTest, ExchangedInputsKeepTheirNames) {
  const FileRef x = t.file("/x"), y = t.file("/y");
  t.rename(p, x, y, RenameOp::kExchange);
  t.open(p, t.renamed(y, "/x"));
  t.input(y, 9);
  EXPECT_THAT(inputs(), ElementsAre("/y data #9"));
  EXPECT_THAT(outputs(), ElementsAre("/x #9", "/y"));
}

TEST_F(FileAccessTest, ReusedInodeNumberIsAnotherFile) {
  const FileRef in = t.file("/in");
  t.open(p, in);
  t.path(p, PathOp::kUnlink, t.at(in));
  FileRef made = t.renamed(in, "/made");
  t.create(p, made);
  t.open(p, made);
  t.input(in, 1);  // hashed late, reported after the number was used again
  t.output(made, 2);
  EXPECT_THAT(inputs(), ElementsAre("/in data #1"));
  EXPECT_THAT(outputs(), ElementsAre("/made #2"));
}

TEST_F(FileAccessTest, InodeNumberThatSomebodyElseReusesIsAnInput) {
  const FileRef made = t.file("/made");
  t.create(p, made);
  t.path(p, PathOp::kUnlink, t.at(made));
  FileRef foreign = t.renamed(made, "/foreign");
  t.open(p, foreign);  // an old lookup that was reported late
  EXPECT_THAT(inputs(), IsEmpty());
  foreign.ctime_ns = int64_t(TraceScript::kWall) + 1'000'000;
  t.open(p, foreign);
  EXPECT_THAT(inputs(), ElementsAre("/foreign data"));
}

TEST_F(FileAccessTest, RemovedAndMadeAgainIsReadBackAsOutput) {
  const FileRef old = t.file("/x");
  t.path(p, PathOp::kUnlink, t.at(old));
  const FileRef made = t.file("/x");
  t.create(p, made);
  t.open(p, made);
  EXPECT_THAT(inputs(), IsEmpty());
  EXPECT_THAT(outputs(), ElementsAre("/x"));
}

TEST_F(FileAccessTest, FileFromTmpfileIsOutputOnceItHasAName) {
  FileRef f = t.file("/w/#77");
  f.nlink = 0;
  t.create(p, f, O_RDWR | O_TMPFILE);
  EXPECT_THAT(outputs(), IsEmpty());
  EXPECT_THAT(temporaries(), IsEmpty());
  t.rename(p, f, t.nothing("/w/final"), RenameOp::kLink);
  EXPECT_THAT(outputs(), ElementsAre("/w/final"));
}

TEST_F(FileAccessTest, SpellingsThroughNamesOfTheRunAreLeftOut) {
  t.path(p, PathOp::kSymlink, t.at(t.file("/tmp/ccXYZ", 1, S_IFLNK | 0777)), 0, "/w");
  t.open(p, t.at(t.file("/w/in"), "/tmp/ccXYZ/in", {"/tmp/ccXYZ"}));
  EXPECT_THAT(use("/w/in").as_used, IsEmpty());
  EXPECT_THAT(use("/w/in").links, IsEmpty());
}

TEST_F(FileAccessTest, OpenerThatIsATemporaryIsNotNamed) {
  const FileRef tool = t.program("/tmp/ccQ"), kept = t.program("/w/tool");
  t.create(p, tool);
  t.create(p, kept);
  const FileRef in = t.file("/in");
  t.exec(p, tool);
  t.open(p, in);
  t.exec(p, kept);
  t.open(p, in);
  t.path(p, PathOp::kUnlink, t.at(tool));
  EXPECT_THAT(use("/in").opened_by, ElementsAre("/w/tool"));
}

// Absence ----------------------------------------------------------------------------------------

TEST_F(FileAccessTest, OpenersOfEveryOpenThatSucceeded) {
  const FileRef in = t.file("/in");
  t.open(p, in);
  EXPECT_THAT(use("/in").openers, IsEmpty()) << "none is told";
  for (const char* opener : {"/lib/x.so", "/a", "/lib/x.so"}) {
    t.open(p, in);
    std::get<OpenEvent>(t.events.back().body).opener = opener;
  }
  t.open_fails(p, t.at(in), EACCES);
  std::get<OpenEvent>(t.events.back().body).opener = "/lib/y.so";
  EXPECT_THAT(use("/in").openers, ElementsAre("/a", "/lib/x.so"));
}

TEST_F(FileAccessTest, OpenersAreNamedAsTheyWereBeforeTheRun) {
  const FileRef lib = t.file("/w/lib.so"), in = t.file("/in");
  t.rename(p, lib, t.nothing("/w/moved.so"));
  const FileRef made = t.file("/w/made.so"), temporary = t.file("/tmp/jit1234.so");
  t.create(p, made);
  t.create(p, temporary);
  for (const FileRef* opener : {&made, &temporary}) {
    t.open(p, in);
    std::get<OpenEvent>(t.events.back().body).opener = opener->path;
  }
  t.path(p, PathOp::kUnlink, t.at(temporary));
  EXPECT_THAT(use("/in").openers, ElementsAre("/w/made.so")) << "temporaries have random names";
}

TEST_F(FileAccessTest, FailedLookupsAreMissingWithTheirError) {
  t.open_fails(p, none("/no"), ENOENT);
  t.path(p, PathOp::kStat, none("/f/x"), ENOTDIR);
  t.path(p, PathOp::kAccess, none("/no"), ENOENT);
  ExecEvent e;
  e.program = none("/bin/none");
  e.error = ENOENT;
  t.add(p, e);
  EXPECT_THAT(missing(), ElementsAre("/bin/none 2", "/f/x 20", "/no 2"));
}

// What follows ".." behind a name that is not there cannot be known.
TEST_F(FileAccessTest, MissingPathThatClimbsIsTheNameBeforeIt) {
  t.path(p, PathOp::kStat, none("/no/lib/../x"), ENOENT);
  t.path(p, PathOp::kStat, none("/none/.."), ENOENT);
  t.path(p, PathOp::kStat, none("/a/..b"), ENOENT);
  EXPECT_THAT(missing(), ElementsAre("/a/..b 2", "/no/lib 2", "/none 2"));
}

TEST_F(FileAccessTest, DeniedOpenIsAFailedLookup) {
  t.open_fails(p, t.at(t.file("/secret")), EACCES);
  EXPECT_THAT(missing(), ElementsAre("/secret 13"));
  EXPECT_THAT(inputs(), ElementsAre("/secret metadata"));
}

TEST_F(FileAccessTest, PassingTroublesSayNothingOfTheFile) {
  for (const int error : {EINTR, EAGAIN, EMFILE, ENOMEM}) t.open_fails(p, none("/x"), error);
  EXPECT_THAT(missing(), IsEmpty());
}

TEST_F(FileAccessTest, ExclusiveCreationOfWhatIsThereAsksAboutIt) {
  t.open_fails(p, t.at(t.file("/x")), EEXIST);
  t.path(p, PathOp::kMkdir, t.at(t.dir("/d")), EEXIST);
  EXPECT_THAT(inputs(), ElementsAre("/d metadata", "/x metadata"));
  EXPECT_THAT(missing(), IsEmpty());
}

TEST_F(FileAccessTest, WhatTheRunMakesIsNotMissingWhicheverCameFirst) {
  t.open_fails(p, none("/before"));
  t.create(p, t.file("/before"));
  const FileRef f = t.file("/after");
  t.create(p, f);
  t.path(p, PathOp::kUnlink, t.at(f));
  t.open_fails(p, none("/after"));
  t.path(p, PathOp::kStat, none("/dir/x"), ENOENT);
  t.path(p, PathOp::kMkdir, t.at(t.dir("/dir")));
  t.open_fails(p, none("/dir/y"));
  t.open_fails(p, none("/target"));
  t.rename(p, f, t.nothing("/target"));
  EXPECT_THAT(missing(), IsEmpty());
}

TEST_F(FileAccessTest, WhatTheRunRemovedIsNotMissing) {
  const FileRef f = t.file("/x"), d = t.dir("/d");
  t.path(p, PathOp::kUnlink, t.at(f));
  t.open_fails(p, none("/x"));
  t.rename(p, d, t.nothing("/e"));
  t.open_fails(p, none("/d/y"));
  EXPECT_THAT(missing(), IsEmpty());
}

TEST_F(FileAccessTest, ScriptWhoseInterpreterIsAbsentNamesBoth) {
  ExecEvent e;
  e.program = t.at(t.program("/w/s"));
  e.interpreters = {none("/no/interp")};
  e.error = ENOENT;
  t.add(p, e);
  EXPECT_THAT(missing(), ElementsAre("/no/interp 2"));
  EXPECT_THAT(inputs(), ElementsAre("/w/s metadata"));
}

// Other ways to a file ---------------------------------------------------------------------------

TEST_F(FileAccessTest, InheritedDescriptorsCountByTheirMode) {
  const auto fd = [&](const FileRef& f, uint32_t flags) {
    FdEvent e;
    e.fd = 3;
    e.flags = flags;
    e.file = f;
    t.add(p, e);
  };
  fd(t.file("/in"), O_RDONLY);
  fd(t.file("/log"), O_WRONLY | O_TRUNC);
  fd(t.file("pipe:[3]", 0, S_IFIFO | 0600), O_RDWR);
  fd(t.file("/dev/pts/3", 0, S_IFCHR | 0600), O_RDWR);
  fd(t.file("socket:[3]", 0, S_IFSOCK | 0600), O_RDWR);
  EXPECT_THAT(inputs(), ElementsAre("/in data"));
  EXPECT_THAT(outputs(), ElementsAre("/log"));
}

TEST_F(FileAccessTest, InheritedOutputThatDidNotChangeIsNone) {
  FdEvent e;
  e.flags = O_WRONLY;
  e.file = t.file("/log");
  t.add(p, e);
  t.output(e.file, 1);
  EXPECT_THAT(outputs(), IsEmpty());
  EXPECT_THAT(inputs(), IsEmpty());
}

TEST_F(FileAccessTest, PseudoFilesHaveNoProcessNumbersAndNoIdentity) {
  const FileRef maps = t.file("/proc/100/maps", 0);
  t.open(p, t.at(maps, "/proc/self/maps", {"/proc/self"}));
  t.open(p, t.renamed(maps, "/proc/100/status"));  // procfs uses inode numbers again
  t.open(p, t.file("/proc/4/stat", 0));
  t.open_fails(p, none("/proc/5/stat"));
  t.open_fails(p, none("/proc/100/nothing"));
  t.open(p, t.file("/dev/null", 0, S_IFCHR | 0666), O_WRONLY);
  EXPECT_THAT(inputs(), ElementsAre("/dev/null data", "/proc/[pid]/stat data",
                                    "/proc/self/maps data", "/proc/self/status data"));
  EXPECT_THAT(missing(), ElementsAre("/proc/self/nothing 2"));
  EXPECT_THAT(outputs(), IsEmpty());
  EXPECT_TRUE(use("/proc/self/maps").pseudo);
  EXPECT_THAT(use("/proc/self/maps").links, IsEmpty());
}

SocketEvent connect(const FileRef& f, bool traced = false) {
  SocketEvent e;
  e.family = AF_UNIX;
  e.address = f.path;
  e.at = TraceScript::at(f);
  e.peer_exe = "/usr/sbin/daemon";
  e.peer_traced = traced;
  return e;
}

TEST_F(FileAccessTest, SocketOfAnUntracedPeerIsNamedAndNotCovered) {
  const FileRef s = t.file("/run/s", 0, S_IFSOCK | 0666);
  t.add(p, connect(s));
  t.add(p, connect(s));
  SocketEvent abstract = connect(t.nothing(""));
  abstract.address = "@bus";
  t.add(p, abstract);
  EXPECT_THAT(inputs(), ElementsAre("/run/s socket", "@bus socket"));
  EXPECT_EQ(use("/run/s").peer, "/usr/sbin/daemon");
  EXPECT_EQ(use("@bus").peer, "/usr/sbin/daemon");
  EXPECT_THAT(report().gaps, ElementsAre(Pair("unix socket peer not traced", 2)));
}

TEST_F(FileAccessTest, SocketOfATracedPeerIsCovered) {
  const FileRef s = t.file("/run/s", 0, S_IFSOCK | 0666);
  SocketEvent bind;
  bind.op = SocketOp::kBind;
  bind.family = AF_UNIX;
  bind.at = t.at(s);
  t.add(p, bind);
  t.add(p, connect(s, true));
  EXPECT_THAT(inputs(), IsEmpty());
  EXPECT_THAT(outputs(), ElementsAre("/run/s"));
  EXPECT_THAT(report().gaps, IsEmpty());
}

TEST_F(FileAccessTest, FailedConnectIsAFailedLookup) {
  SocketEvent e = connect(t.nothing("/run/nscd/socket"));
  e.error = ENOENT;
  t.add(p, e);
  EXPECT_THAT(missing(), ElementsAre("/run/nscd/socket 2"));
  EXPECT_THAT(report().gaps, IsEmpty());
}

TEST_F(FileAccessTest, NetworkPeersAreNotCovered) {
  SocketEvent e;
  e.family = AF_INET;
  e.address = "1.2.3.4:80";
  t.add(p, e);
  t.add(p, e);
  EXPECT_THAT(report().gaps, ElementsAre(Pair("network peer not traced", 1)));
}

TEST_F(FileAccessTest, FileReplacedFromOutsideIsSaid) {
  const FileRef one = t.file("/x"), two = t.file("/x");
  t.open(p, one);
  t.open(p, two);
  t.input(one, 1);
  t.input(two, 2);
  EXPECT_THAT(inputs(), ElementsAre("/x data #1"));
  EXPECT_THAT(report().gaps, ElementsAre(Pair("file replaced during the run", 1)));
}

// The order in which processes run must not show: the same two steps in both orders.
TEST_F(FileAccessTest, ParallelStepsGiveTheSameReportInEitherOrder) {
  const auto run = [](bool first) {
    TraceScript t;
    const ProcessKey p = t.start(t.program("/make"));
    const FileRef cc = t.program("/cc"), h = t.file("/w/x.h");
    std::vector<FileRef> objects = {t.file("/w/a.o"), t.file("/w/b.o")};
    std::vector<FileRef> temps = {t.file(first ? "/tmp/cc1" : "/tmp/cc3"),
                                  t.file(first ? "/tmp/cc2" : "/tmp/cc4")};
    for (size_t i = 0; i < 2; ++i) {
      const size_t n = first ? i : 1 - i;
      const ProcessKey c = t.fork(p);
      t.path(c, PathOp::kStat, none(objects[n].path), ENOENT);
      t.path(c, PathOp::kStat, none(objects[1 - n].path), i == 0 ? ENOENT : 0);
      t.exec(c, cc);
      t.open(c, t.at(h, n == 0 ? "x.h" : "../w/x.h"));
      t.create(c, temps[n]);
      t.create(c, objects[n]);
      t.path(c, PathOp::kUnlink, t.at(temps[n]));
      t.exit(c);
    }
    FileAccess access;
    const FileReport r = t.feed(access).report();
    std::vector<std::string> lines;
    for (const FileUse& f : r.files) {
      lines.push_back(f.file.path);
      for (const std::string& s : f.as_used) lines.push_back(s);
      for (const std::string& s : f.opened_by) lines.push_back(s);
    }
    for (const FileOutput& o : r.outputs) lines.push_back(o.path);
    for (const MissingUse& m : r.missing) lines.push_back(m.path);
    return lines;
  };
  EXPECT_EQ(run(true), run(false));
  EXPECT_THAT(run(true), ::testing::Contains("/w/a.o"));
}

}  // namespace
}  // namespace fptrace
