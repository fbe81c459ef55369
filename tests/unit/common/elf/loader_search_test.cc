#include "common/elf/loader_search.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fptrace {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LoaderSearchTest : public ::testing::Test {
 protected:
  LoaderSearchTest() {
    setup = loader_setup({true, true, EM_X86_64, 0}, "/lib64/ld-linux-x86-64.so.2",
                         {"/lib/x86_64-linux-gnu", "/lib"}, {});
    main.path = "/w/bin/a";
    main.origin = "/w/bin";
    lib.path = "/w/lib/libx.so";
    lib.origin = "/w/lib";
    lib.loader = &main;
    inner.path = "/w/in/liby.so";
    inner.origin = "/w/in";
    inner.loader = &lib;
  }
  // "PATH | RULE" for every place where no special processor is needed.
  std::vector<std::string> places(const LinkObject& requester, const std::string& name = "l.so") {
    return all_places(requester, name, false);
  }
  std::vector<std::string> all_places(const LinkObject& requester, const std::string& name,
                                      bool special = true) {
    std::vector<std::string> out;
    const LoaderSearch search(setup, environment);
    EXPECT_FALSE(search.walk(name, requester, main, [&](const LoaderSearch::Candidate& c) {
      if (!c.special || special) out.push_back(c.path + " | " + c.rule);
      return false;
    }));
    return out;
  }
  void in_cache(const std::string& path, const std::string& hwcaps = "", uint32_t flags = 0x0303) {
    environment.cache.push_back({"l.so", path, flags, hwcaps, 0});
  }
  LoaderSetup setup;
  LoaderEnvironment environment;
  LinkObject main, lib, inner;
  const std::string kDefault1 = "/lib/x86_64-linux-gnu/l.so | default directory";
  const std::string kDefault2 = "/lib/l.so | default directory";
};

TEST_F(LoaderSearchTest, EveryRuleInItsOrder) {
  environment.library_path = "/env1:/env2";
  in_cache("/cached/l.so");
  lib.rpath = "/r";
  EXPECT_THAT(places(lib), ElementsAre("/r/l.so | rpath of /w/lib/libx.so: /r",
                                       "/env1/l.so | LD_LIBRARY_PATH: /env1",
                                       "/env2/l.so | LD_LIBRARY_PATH: /env2",
                                       "/cached/l.so | ld.so.cache", kDefault1, kDefault2));
  lib.rpath = "";
  lib.runpath = "/r";
  EXPECT_THAT(places(lib), ElementsAre("/env1/l.so | LD_LIBRARY_PATH: /env1",
                                       "/env2/l.so | LD_LIBRARY_PATH: /env2",
                                       "/r/l.so | runpath of /w/lib/libx.so: /r",
                                       "/cached/l.so | ld.so.cache", kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, RpathIsInheritedUpTheChainOfLoaders) {
  main.rpath = "/m";
  lib.rpath = "/r";
  inner.rpath = "/i";
  EXPECT_THAT(places(inner), ElementsAre("/i/l.so | rpath of /w/in/liby.so: /i",
                                         "/r/l.so | rpath of /w/lib/libx.so: /r",
                                         "/m/l.so | rpath of /w/bin/a: /m", kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, RpathOfTheProgramCountsForWhatItDidNotLoad) {
  main.rpath = "/m";
  inner.loader = nullptr;
  EXPECT_THAT(places(inner), ElementsAre("/m/l.so | rpath of /w/bin/a: /m", kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, RunpathIsNotInheritedAndSwitchesRpathOff) {
  main.rpath = "/m";
  inner.runpath = "/i";
  EXPECT_THAT(places(inner),
              ElementsAre("/i/l.so | runpath of /w/in/liby.so: /i", kDefault1, kDefault2));
  inner.runpath = "";
  main.rpath = "";
  lib.runpath = "/r";
  EXPECT_THAT(places(inner), ElementsAre(kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, RpathBesideARunpathIsIgnoredForOthersToo) {
  lib.rpath = "/r";
  lib.runpath = "/run";
  EXPECT_THAT(places(inner), ElementsAre(kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, TokensInTheirSpellings) {
  main.runpath = "$ORIGIN/../lib:${ORIGIN}x:/o/$LIB:/p/${PLATFORM}/:/$OTHER:/${LIB";
  EXPECT_THAT(places(main),
              ElementsAre("/w/bin/../lib/l.so | runpath of /w/bin/a: $ORIGIN/../lib",
                          "/w/binx/l.so | runpath of /w/bin/a: ${ORIGIN}x",
                          "/o/lib/x86_64-linux-gnu/l.so | runpath of /w/bin/a: /o/$LIB",
                          "/p/x86_64/l.so | runpath of /w/bin/a: /p/${PLATFORM}/",
                          "/$OTHER/l.so | runpath of /w/bin/a: /$OTHER",
                          "/${LIB/l.so | runpath of /w/bin/a: /${LIB", kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, OriginIsThatOfTheObjectWhosePathItIs) {
  main.rpath = lib.rpath = "$ORIGIN";
  EXPECT_THAT(places(lib),
              ElementsAre("/w/lib/l.so | rpath of /w/lib/libx.so: $ORIGIN",
                          "/w/bin/l.so | rpath of /w/bin/a: $ORIGIN", kDefault1, kDefault2));
  main.origin = lib.origin = "";
  EXPECT_THAT(places(lib), ElementsAre(kDefault1, kDefault2)) << "unknown: the entry is dropped";
}

TEST_F(LoaderSearchTest, OriginInTheEnvironmentIsThePrograms) {
  environment.library_path = "$ORIGIN";
  EXPECT_THAT(places(lib), Contains("/w/bin/l.so | LD_LIBRARY_PATH: $ORIGIN"));
}

TEST_F(LoaderSearchTest, EmptyEntryIsTheWorkingDirectoryAndAnEmptyListIsNothing) {
  environment.library_path = "/a;:b/";
  EXPECT_THAT(places(main),
              ElementsAre("/a/l.so | LD_LIBRARY_PATH: /a", "./l.so | LD_LIBRARY_PATH: ",
                          "b/l.so | LD_LIBRARY_PATH: b/", kDefault1, kDefault2));
  environment.library_path = "";
  EXPECT_THAT(places(main), ElementsAre(kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, RootAsADirectoryHasOneSlash) {
  environment.library_path = "//";
  EXPECT_THAT(places(main), Contains("/l.so | LD_LIBRARY_PATH: //"));
}

TEST_F(LoaderSearchTest, NameWithASlashIsNotSearched) {
  environment.library_path = "/env";
  EXPECT_THAT(places(main, "/x/l.so"), ElementsAre("/x/l.so | absolute name"));
  EXPECT_THAT(places(main, "./l.so"), ElementsAre("./l.so | relative name"));
  EXPECT_THAT(places(lib, "$ORIGIN/l.so"), ElementsAre("/w/lib/l.so | relative name"));
}

TEST_F(LoaderSearchTest, CacheGivesOnlyLibrariesOfTheRightKind) {
  in_cache("/lib32/l.so", "", 0x0003);
  in_cache("/c/l.so");
  environment.cache.push_back({"other.so", "/c/other.so", 0x0303, "", 0});
  environment.cache.push_back({"l.so", "/legacy/l.so", 0x0303, "", 4});
  EXPECT_THAT(places(main), ElementsAre("/c/l.so | ld.so.cache", kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, CacheEntriesForTheProcessorComeFirstTheBestBefore) {
  setup.hwcaps = {"x86-64-v3", "x86-64-v2"};
  in_cache("/c/l.so");
  in_cache("/c2/l.so", "x86-64-v2");
  in_cache("/c4/l.so", "x86-64-v4");
  in_cache("/c3/l.so", "x86-64-v3");
  const auto found = all_places(main, "l.so");
  ASSERT_GE(found.size(), 3u);
  EXPECT_EQ(found[0], "/c3/l.so | ld.so.cache (glibc-hwcaps/x86-64-v3)");
  EXPECT_EQ(found[1], "/c2/l.so | ld.so.cache (glibc-hwcaps/x86-64-v2)");
  EXPECT_EQ(found[2], "/c/l.so | ld.so.cache");
  EXPECT_THAT(found, Not(Contains(HasSubstr("/c4/"))));
}

TEST_F(LoaderSearchTest, SubdirectoriesAsTheLoaderOfGlibc236ListsThem) {
  setup.hwcaps = {"x86-64-v3", "x86-64-v2"};
  environment.library_path = "/e";
  setup.default_directories.clear();
  // As LD_DEBUG=libs prints "search path", less the directories that it repeats.
  EXPECT_THAT(
      all_places(main, "l.so"),
      ElementsAre("/e/glibc-hwcaps/x86-64-v3/l.so | LD_LIBRARY_PATH: /e (glibc-hwcaps/x86-64-v3)",
                  "/e/glibc-hwcaps/x86-64-v2/l.so | LD_LIBRARY_PATH: /e (glibc-hwcaps/x86-64-v2)",
                  "/e/tls/x86_64/x86_64/l.so | LD_LIBRARY_PATH: /e (tls/x86_64/x86_64)",
                  "/e/tls/x86_64/l.so | LD_LIBRARY_PATH: /e (tls/x86_64)",
                  "/e/tls/l.so | LD_LIBRARY_PATH: /e (tls)",
                  "/e/x86_64/x86_64/l.so | LD_LIBRARY_PATH: /e (x86_64/x86_64)",
                  "/e/x86_64/l.so | LD_LIBRARY_PATH: /e (x86_64)",
                  "/e/l.so | LD_LIBRARY_PATH: /e"));
}

TEST_F(LoaderSearchTest, ConfiguredDirectoriesStandInForTheCache) {
  environment.conf_directories = {"/opt/lib"};
  EXPECT_THAT(places(main),
              ElementsAre("/opt/lib/l.so | ld.so.conf: /opt/lib", kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, NodeflibLeavesOutTheDefaultDirectoriesInTheCacheToo) {
  in_cache("/lib/l.so");
  in_cache("/lib/sub/l.so");
  in_cache("/opt/l.so");
  main.no_default = true;
  EXPECT_THAT(places(main), ElementsAre("/lib/sub/l.so | ld.so.cache", "/opt/l.so | ld.so.cache"));
}

TEST_F(LoaderSearchTest, SecureModeTrustsNeitherEnvironmentNorOrigin) {
  environment.secure = true;
  environment.library_path = "/env";
  main.runpath = "$ORIGIN:/fixed:$ORIGIN/../../lib/sub";
  EXPECT_THAT(places(main),
              ElementsAre("/fixed/l.so | runpath of /w/bin/a: /fixed",
                          "/w/bin/../../lib/sub/l.so | runpath of /w/bin/a: $ORIGIN/../../lib/sub",
                          kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, ChainWithACycleEnds) {
  main.loader = &inner;
  inner.loader = &lib;
  EXPECT_THAT(places(inner), ElementsAre(kDefault1, kDefault2));
}

TEST_F(LoaderSearchTest, FirstYesOfTheProbeEndsTheSearch) {
  int asked = 0;
  EXPECT_TRUE(LoaderSearch(setup, environment).walk("l.so", main, main, [&](const auto&) {
    return ++asked == 2;
  }));
  EXPECT_EQ(asked, 2);
}

class MuslSearchTest : public LoaderSearchTest {
 protected:
  MuslSearchTest() {
    setup = loader_setup({true, true, EM_X86_64, 0}, "/lib/ld-musl-x86_64.so.1", {}, {});
  }
};

TEST_F(MuslSearchTest, EnvironmentThenPathsOfTheChainThenBuiltIn) {
  environment.library_path = "/env\n/env2::";
  main.runpath = "/m";
  lib.rpath = "$ORIGIN";
  EXPECT_THAT(
      places(lib),
      ElementsAre("/env/l.so | LD_LIBRARY_PATH: /env", "/env2/l.so | LD_LIBRARY_PATH: /env2",
                  "/w/lib/l.so | rpath of /w/lib/libx.so: $ORIGIN",
                  "/m/l.so | runpath of /w/bin/a: /m", "/lib/l.so | default directory",
                  "/usr/local/lib/l.so | default directory", "/usr/lib/l.so | default directory"))
      << "a RUNPATH is inherited like an RPATH";
}

TEST_F(MuslSearchTest, PathFileReplacesTheBuiltInDirectories) {
  environment.path_file = "/p1\n/p2:/p3\n";
  EXPECT_THAT(places(main),
              ElementsAre("/p1/l.so | ld-musl path file: /p1", "/p2/l.so | ld-musl path file: /p2",
                          "/p3/l.so | ld-musl path file: /p3"));
}

TEST_F(MuslSearchTest, OtherTokensAndSecureOriginDropTheEntry) {
  main.rpath = "$LIB:/x/$PLATFORM:${ORIGIN}/l";
  setup.default_directories.clear();
  EXPECT_THAT(places(main), ElementsAre("/w/bin/l/l.so | rpath of /w/bin/a: ${ORIGIN}/l"));
  environment.secure = true;
  EXPECT_THAT(places(main), IsEmpty());
}

TEST_F(MuslSearchTest, AllNamesOfTheCLibraryAreTheLoader) {
  const LoaderSearch search(setup, environment);
  EXPECT_TRUE(search.is_loader("libc.so"));
  EXPECT_TRUE(search.is_loader("libpthread.so.0"));
  EXPECT_FALSE(search.is_loader("libcap.so.2"));
  EXPECT_FALSE(search.is_loader("/lib/libc.so"));
  EXPECT_FALSE(search.is_loader("libc"));
}

TEST(SplitPreload, BlanksAndColonsSeparate) {
  EXPECT_THAT(split_preload(" a.so:/b.so\tc\n\n"), ElementsAre("a.so", "/b.so", "c"));
  EXPECT_THAT(split_preload(""), IsEmpty());
}

}  // namespace
}  // namespace fptrace
