#include "fingerprint/view/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/unit/fingerprint/sample.h"

namespace fptrace {
namespace {

using test::small_manifest;
using ::testing::HasSubstr;

TEST(Summary, OfASmallRun) {
  RunStats s;
  s.events = 12;
  s.processes = s.execs = 1;
  s.duration_ns = 1'234'000'000;
  s.programs = {{"/bin/true", 1}};
  EXPECT_EQ(summary(small_manifest(), s), R"(fptrace: true: exit 0, 1.23 s, 12 events
  programs    1 run in 1 process: true
  libraries   0
  files read  0, 0 B
  looked at   0 files, 0 directories listed
  written     0
  missing     0
  not covered nothing
)");
}

Manifest busy() {
  Manifest m = small_manifest();
  m.argv = {"make", "all"};
  m.exit = ExitStatus{0, 11};
  for (int i = 0; i < 40; ++i) {
    ManifestFile f;
    f.path = "/usr/lib/library-" + std::to_string(i) + ".so";
    f.roles = {Role::kLibrary};
    f.linkage = i < 2 ? Linkage::kDlopen : i < 3 ? Linkage::kPreload : Linkage::kNeeded;
    f.size = 1'000'000;
    f.package = Package{"dpkg", "p", "1", "amd64"};
    m.files.push_back(f);
  }
  ManifestFile own;
  own.path = "/w/own \x1b[31m\xff";
  own.roles = {Role::kData};
  own.size = 999;
  m.files.push_back(own);
  ManifestFile asked;
  asked.path = "/asked";
  asked.roles = {Role::kMetadata};
  m.files.push_back(asked);
  ManifestFile dir;
  dir.path = "/dir";
  dir.type = FileType::kDirectory;
  dir.roles = {Role::kDirectory};
  m.files.push_back(dir);
  m.packages = {{{"dpkg", "p", "1", "amd64"}, 40}};
  m.outputs = {{"/w/dir", FileType::kDirectory, {}, {}, ""},
               {"/w/out", FileType::kRegular, {}, 3, ""}};
  m.missing = {{"/etc/ld.so.preload", "ENOENT"}};
  m.complete = false;
  m.undecoded = {{"io_uring_enter", 3}};
  return m;
}

RunStats busy_stats() {
  RunStats s;
  s.events = 123456;
  s.processes = 7;
  s.execs = 5;
  s.duration_ns = 61'500'000'000;
  s.temporaries = 1;
  s.programs = {{"/usr/bin/as", 1}, {"/usr/bin/gcc", 3}, {"/usr/bin/make", 1}};
  return s;
}

TEST(Summary, OfABusyRun) {
  EXPECT_EQ(summary(busy(), busy_stats()),
            R"(fptrace: make: killed by SIGSEGV, 61.5 s, 123456 events
  programs    5 runs in 7 processes: gcc (3), as, make
  libraries   40, 2 by dlopen, 1 preloaded: library-0.so, library-1.so, +38
  files read  41, 40.0 MB
  packages    1, and 1 file of none: /w/own \x1b[31m\xff
  looked at   1 file, 1 directory listed
  written     1: /w/out
  temporary   1 file, gone at the end
  missing     1: /etc/ld.so.preload
  not covered 1: io_uring_enter (3)
)");
}

TEST(Summary, FitsTheScreenWhateverItsWidth) {
  for (const size_t width : {20u, 40u, 80u, 200u}) {
    std::istringstream text(summary(busy(), busy_stats(), width));
    size_t lines = 0;
    for (std::string line; std::getline(text, line); ++lines) EXPECT_LE(line.size(), width) << line;
    EXPECT_LE(lines, 24u);
  }
}

TEST(Summary, SaysWhenTheTraceWasCut) {
  Manifest m = small_manifest();
  m.exit.reset();
  EXPECT_THAT(summary(m, {}), HasSubstr("true: trace cut short, "));
}

}  // namespace
}  // namespace fptrace
