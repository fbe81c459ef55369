#include "fingerprint/closure/static_closure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "fingerprint/manifest_file.h"
#include "tests/unit/common/elf/elf_image.h"
#include "tests/unit/common/elf/ld_cache_image.h"

namespace fptrace {
namespace {

namespace fs = std::filesystem;
using test::ElfImage;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A root with files of any class and byte order; nothing in it could run here.
class StaticClosureTest : public ::testing::Test {
 protected:
  StaticClosureTest() {
    std::string name = ::testing::TempDir() + "fptrace-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root = options.root = name;
  }
  ~StaticClosureTest() override {
    if (!HasFailure()) fs::remove_all(root);
  }
  void write(const std::string& path, const std::string& content) {
    const fs::path full = root.string() + path;
    fs::create_directories(full.parent_path());
    std::ofstream(full) << content;
    fs::permissions(full, fs::perms(0755));
  }
  ElfImage elf(std::vector<std::string> needed = {}, const std::string& soname = "") {
    ElfImage e(is_64, little);
    e.machine = machine;
    e.needed = std::move(needed);
    e.soname = soname;
    return e;
  }
  void program(const std::string& path, std::vector<std::string> needed) {
    ElfImage e = elf(std::move(needed));
    e.interpreter = interpreter;
    write(path, e.build());
  }
  Manifest build(std::vector<std::string> files) {
    options.files = std::move(files);
    auto made = make_static_closure(options);
    EXPECT_TRUE(made) << made.error().what;
    if (!made) return {};
    warnings = made->warnings;
    EXPECT_EQ(manifest_from_json(to_json(made->manifest)), made->manifest);
    EXPECT_EQ(to_json(make_static_closure(options)->manifest), to_json(made->manifest));
    return made->manifest;
  }
  static std::vector<std::string> lines(const Manifest& m) {
    std::vector<std::string> out;
    for (const ManifestFile& f : m.files) {
      std::string line = f.path;
      for (const Role r : {Role::kExecutable, Role::kScript, Role::kInterpreter, Role::kLibrary,
                           Role::kData, Role::kMetadata}) {
        if (f.roles.has(r)) (line += ' ') += to_string(r);
      }
      if (f.linkage != Linkage::kUnknown) (line += ' ') += to_string(f.linkage);
      if (!f.found_by.empty()) line += " | " + f.found_by;
      out.push_back(line);
    }
    return out;
  }
  bool is_64 = true, little = true;
  uint16_t machine = EM_X86_64;
  std::string interpreter = "/lib64/ld.so";
  fs::path root;
  StaticOptions options;
  std::vector<std::string> warnings;
};

TEST_F(StaticClosureTest, ProgramOfAForeignMachine) {
  is_64 = little = false;
  machine = EM_PPC;
  interpreter = "/lib/ld.so.1";
  program("/bin/a", {"libx.so"});
  write("/lib/ld.so.1", elf({}, "ld.so.1").build());
  write("/usr/lib/libx.so.1", elf({"ld.so.1"}, "libx.so").build());
  fs::create_symlink("libx.so.1", root / "usr/lib/libx.so");
  const Manifest m = build({"/bin/a"});
  EXPECT_THAT(lines(m), ElementsAre("/bin/a executable", "/lib/ld.so.1 library interp | PT_INTERP",
                                    "/usr/lib/libx.so.1 library needed | default directory"));
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_EQ(m.backend, "static");
  EXPECT_EQ(m.exit, std::nullopt);
  EXPECT_EQ(m.machine, "") << "of this host nothing is told";
  EXPECT_THAT(m.argv, ElementsAre("/bin/a"));
  EXPECT_FALSE(m.complete);
  EXPECT_THAT(m.undecoded, ElementsAre(Undecoded{"static closure: run time not seen", 1}));
  EXPECT_THAT(m.files[2].links, ElementsAre("/usr/lib/libx.so"));
  EXPECT_THAT(m.files[2].opened_by, ElementsAre("/bin/a"));
  for (const ManifestFile& f : m.files) EXPECT_TRUE(f.sha256 && f.elf && f.mode == 0755u) << f.path;
}

TEST_F(StaticClosureTest, LoadersOwnFilesBelongToIt) {
  program("/bin/a", {"libx.so"});
  write("/lib64/ld.so", elf({}, "ld.so").build());
  write("/far/libx.so", elf().build());
  write("/p.so", elf().build());
  test::LdCacheImage cache;
  cache.entries = {{"libx.so", "/far/libx.so"}};
  write("/etc/ld.so.cache", cache.build());
  write("/etc/ld.so.preload", "/p.so\n");
  EXPECT_THAT(lines(build({"/bin/a"})),
              ElementsAre("/bin/a executable", "/etc/ld.so.cache data", "/etc/ld.so.preload data",
                          "/far/libx.so library needed | ld.so.cache",
                          "/lib64/ld.so library interp | PT_INTERP",
                          "/p.so library preload | /etc/ld.so.preload: absolute name"));
}

TEST_F(StaticClosureTest, DamagedCacheIsSaidAndDoneWithout) {
  program("/bin/a", {"libx.so"});
  write("/lib64/ld.so", elf().build());
  write("/opt/l/libx.so", elf().build());
  write("/etc/ld.so.cache", "rubbish");
  write("/etc/ld.so.conf", "/opt/l\n");
  EXPECT_THAT(lines(build({"/bin/a"})),
              Contains("/opt/l/libx.so library needed | ld.so.conf: /opt/l"));
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("/etc/ld.so.cache cannot be used: ")));
}

TEST_F(StaticClosureTest, MuslsLoaderIsTheCLibraryAndHasItsPathFile) {
  interpreter = "/lib/ld-musl-x86_64.so.1";
  program("/bin/a", {"libc.so", "libx.so"});
  write(interpreter, elf().build());
  write("/m/libx.so", elf({"libc.so"}).build());
  write("/etc/ld-musl-x86_64.path", "/m\n");
  EXPECT_THAT(lines(build({"/bin/a"})),
              ElementsAre("/bin/a executable", "/etc/ld-musl-x86_64.path data",
                          "/lib/ld-musl-x86_64.so.1 library interp | PT_INTERP",
                          "/m/libx.so library needed | ld-musl path file: /m"));
  EXPECT_THAT(warnings, IsEmpty());
}

TEST_F(StaticClosureTest, WhatIsNotFoundIsMissingWhereItCouldBe) {
  program("/bin/a", {"libno.so"});
  const Manifest m = build({"/bin/a"});
  std::vector<std::string> missing;
  for (const MissingFile& f : m.missing) missing.push_back(f.path + " " + f.error);
  EXPECT_THAT(
      missing,
      ElementsAre("/etc/ld.so.cache ENOENT", "/etc/ld.so.preload ENOENT", "/lib/libno.so ENOENT",
                  "/lib/x86_64-linux-gnu/libno.so ENOENT", "/lib64/ld.so ENOENT",
                  "/lib64/libno.so ENOENT", "/usr/lib/libno.so ENOENT",
                  "/usr/lib/x86_64-linux-gnu/libno.so ENOENT", "/usr/lib64/libno.so ENOENT"));
  EXPECT_THAT(warnings, ElementsAre("/lib64/ld.so, needed by /bin/a, is not found",
                                    "libno.so, needed by /bin/a, is not found"));
}

TEST_F(StaticClosureTest, LibraryByItselfIsALibrary) {
  write("/l/libx.so", elf({"liby.so"}, "libx.so").build());
  write("/usr/lib/liby.so", elf().build());
  EXPECT_THAT(
      lines(build({"/l/libx.so"})),
      ElementsAre("/l/libx.so library", "/usr/lib/liby.so library needed | default directory"));
}

TEST_F(StaticClosureTest, SetuidProgramIsLoadedInSecureMode) {
  ElfImage e = elf({"libx.so"});
  e.interpreter = interpreter;
  e.runpath = "$ORIGIN";
  write("/bin/a", e.build());
  write("/bin/libx.so", elf().build());
  write("/lib64/ld.so", elf().build());
  EXPECT_THAT(lines(build({"/bin/a"})),
              Contains("/bin/libx.so library needed | runpath of /bin/a: $ORIGIN"));
  fs::permissions(root / "bin/a", fs::perms::set_uid, fs::perm_options::add);
  (void)build({"/bin/a"});
  EXPECT_THAT(warnings, ElementsAre("libx.so, needed by /bin/a, is not found"));
}

TEST_F(StaticClosureTest, ScriptsAndTheirInterpreters) {
  program("/bin/sh", {});
  write("/lib64/ld.so", elf().build());
  write("/s", "#!/bin/sh -e\n");
  write("/t", "#!/s\n");
  EXPECT_THAT(lines(build({"/t"})),
              ElementsAre("/bin/sh interpreter", "/lib64/ld.so library interp | PT_INTERP",
                          "/s script interpreter", "/t script"));
}

struct Bad {
  const char* name;
  const char* path;
  int sys;
};
void PrintTo(const Bad& b, std::ostream* out) { *out << b.name; }
class BadClosure : public StaticClosureTest, public ::testing::WithParamInterface<Bad> {};
INSTANTIATE_TEST_SUITE_P(StaticClosure, BadClosure,
                         ::testing::Values(Bad{"Missing", "/none", ENOENT},
                                           Bad{"Directory", "/d", EISDIR},
                                           Bad{"Text", "/d/text", ENOEXEC},
                                           Bad{"Truncated", "/d/short", ENOEXEC},
                                           Bad{"OwnInterpreter", "/d/itself", ENOEXEC},
                                           Bad{"ScriptOfText", "/d/script", ENOEXEC}),
                         [](const auto& info) { return info.param.name; });
TEST_P(BadClosure, IsAnErrorThatNamesTheFileAndItsKind) {
  program("/bin/a", {});
  write("/d/text", "x\n");
  write("/d/short", elf({"libx.so"}).build().substr(0, 200));
  write("/d/itself", "#!/d/itself\n");
  write("/d/script", "#!/d/text\n");
  options.files = {"/bin/a", GetParam().path};
  const auto made = make_static_closure(options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().sys, GetParam().sys) << made.error().what;
  EXPECT_THAT(made.error().what, HasSubstr(GetParam().path));
}

}  // namespace
}  // namespace fptrace
