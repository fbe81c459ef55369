#include "backends/emu/recording/forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(WordsOf, StandBetweenWhateverAShellKnows) {
  EXPECT_THAT(words_of("ls -l|wc>out.txt;\"/bin/a b\" && $(cat 'x') CC=gcc"),
              ElementsAre("ls", "-l", "wc", "out.txt", "/bin/a", "b", "cat", "x", "CC", "gcc"));
  EXPECT_THAT(words_of("a # b c\nd;#e\nf#g"), ElementsAre("a", "d", "f", "g"));
  EXPECT_THAT(words_of(""), IsEmpty());
  EXPECT_THAT(words_of("#"), IsEmpty());
}

TEST(NamesInProgram, StandByThemselves) {
  using std::literals::operator""sv;
  EXPECT_THAT(names_in_program("xz\0a b\0-c\0less\0/bin/sh\0q\0g++"sv),
              ElementsAre("xz", "less", "/bin/sh", "g++"));
  EXPECT_THAT(names_in_program(""), IsEmpty());
}

class ForecastTest : public ::testing::Test {
 protected:
  ForecastTest() {
    char name[] = "/tmp/forecast_XXXXXX";
    directory_ = ::mkdtemp(name);
    fs::create_directory(directory_ + "/bin");
    for (const char* program : {"one", "two", "sh"}) file("bin/" + std::string(program), "", 0755);
  }
  ~ForecastTest() override { fs::remove_all(directory_); }
  void file(const std::string& name, const std::string& content, unsigned mode = 0644) {
    std::ofstream(directory_ + "/" + name) << content;
    fs::permissions(directory_ + "/" + name, fs::perms(mode));
  }
  std::string path(const std::string& name) { return directory_ + "/" + name; }
  Forecast of(std::vector<std::string> argv, std::vector<std::string> env = {}) {
    return make_forecast({argv[0], argv, directory_, directory_ + "/bin", env});
  }
  std::string directory_;
};

TEST_F(ForecastTest, ACommandsWordsAreProgramsAndFiles) {
  file("data", "x");
  const Forecast f = of({path("bin/sh"), "-c", "one <data | two | none"});
  EXPECT_THAT(f.programs, ElementsAre(path("bin/one"), path("bin/two")));
  EXPECT_THAT(f.files, ElementsAre(path("data")));
  EXPECT_THAT(of({path("bin/one"), "30", "two"}).programs, ElementsAre(path("bin/two")));
}

TEST_F(ForecastTest, ShellScriptsAreReadAndWhatTheyRunToo) {
  file("outer", "#!/bin/sh\n./inner\n", 0755);
  file("inner", "#!/usr/bin/env bash\none\n", 0755);
  EXPECT_THAT(of({path("outer")}).programs, ElementsAre(path("./inner"), path("bin/one")));
  file("plain", "two\n");
  EXPECT_THAT(of({path("bin/sh"), "plain"}).programs, ElementsAre(path("bin/two")));
}

TEST_F(ForecastTest, AScriptThatRunsItselfEnds) {
  file("again", "#!/bin/sh\n./again\n", 0755);
  EXPECT_THAT(of({path("again")}).programs, ElementsAre(path("./again")));
}

TEST_F(ForecastTest, TheTextOfAnotherLanguageIsNotRead) {
  file("script", "#!/usr/bin/python3\none\n", 0755);
  EXPECT_THAT(of({path("script")}).programs, IsEmpty());
}

TEST_F(ForecastTest, AScriptsSubcommandsLieBesideIt) {
  file("tool", "#!/bin/sh\n", 0755);
  file("tool-a", "#!/bin/sh\ntwo\n", 0755);
  file("tool-b", "one\n");
  EXPECT_THAT(of({path("tool")}).programs, ElementsAre(path("tool-a"), path("bin/two")));
}

TEST_F(ForecastTest, MakeRunsWhatItsMakefileSays) {
  for (const char* program : {"make", "cc"}) file("bin/" + std::string(program), "", 0755);
  file("Makefile", "a: a.c\n\t$(CC) -o a a.c && two\n");
  EXPECT_THAT(of({path("bin/make")}).programs, ElementsAre(path("bin/two"), path("bin/cc")));
  EXPECT_THAT(of({path("bin/one")}).programs, IsEmpty());
  fs::create_directory(path("sub"));
  file("sub/makefile", "a:\n\tone\n");
  EXPECT_THAT(of({path("bin/make"), "-C", "sub"}).programs, Contains(path("bin/one")));
}

class ShimTest : public ForecastTest {
 protected:
  ShimTest() {
    for (const char* d : {"pyenv", "pyenv/shims", "pyenv/versions", "pyenv/pyenv.d", "work"})
      fs::create_directory(path(d));
    for (const char* version : {"3.9", "3.11.7", "3.1"}) {
      fs::create_directories(path("pyenv/versions/" + std::string(version) + "/bin"));
      file("pyenv/versions/" + std::string(version) + "/bin/one", "", 0755);
    }
    file("pyenv/shims/one", "#!/bin/sh\n", 0755);
  }
  Forecast shim(std::vector<std::string> env = {}) {
    return make_forecast({path("pyenv/shims/one"), {"one"}, path("work"), path("bin"), env});
  }
  std::string version(const std::string& v) { return path("pyenv/versions/" + v + "/bin/one"); }
};

TEST_F(ShimTest, LeadsToTheVersionThatIsNamed) {
  EXPECT_THAT(shim().programs, IsEmpty());
  EXPECT_THAT(shim().homes, ElementsAre(path("pyenv/pyenv.d")));
  file("pyenv/version", "3.11\n");
  EXPECT_THAT(shim().programs, ElementsAre(version("3.11.7")));
  EXPECT_THAT(shim().files, ElementsAre(path("pyenv/version")));
  file(".python-version", "3.9\n");  // above the working directory
  EXPECT_THAT(shim().programs, ElementsAre(version("3.9"), version("3.11.7")));
}

TEST_F(ShimTest, TheEnvironmentMayNameSeveral) {
  EXPECT_THAT(shim({"PYENV_VERSION=3.1:none:system", "OTHER_VERSION=3.9"}).programs,
              ElementsAre(version("3.1"), path("bin/one")));
}

TEST_F(ForecastTest, AProgramMentionsOthers) {
  file("elf", std::string("\177ELF\0two\0zwei\0", 14), 0755);
  const Forecast f = of({path("elf")});
  EXPECT_THAT(f.programs, IsEmpty());
  EXPECT_THAT(f.mentioned, ElementsAre(path("bin/two")));
}

TEST_F(ForecastTest, AProgramNamesDirectoriesOfItsOwn) {
  using std::literals::operator""s;
  fs::create_directories(directory_ + "/share/tool");
  file("elf", "\177ELF\0/usr\0/usr/lib\0"s + path("share/tool") + '\0' + path("share/none") + '\0',
       0755);
  EXPECT_THAT(of({path("elf")}).homes, ElementsAre(path("share/tool")));
}

TEST_F(ForecastTest, WhatAShellRanLastIsNotMeant) {
  EXPECT_THAT(of({path("bin/one")}, {"_=" + path("bin/two")}).programs, IsEmpty());
}

TEST_F(ForecastTest, DirectoriesAreThoseOfArgumentsOrVariables) {
  const Forecast f = of({path("bin/one"), "bin"}, {"PWD=" + directory_, "B=bin"});
  EXPECT_THAT(f.directories, ElementsAre(path("bin")));
  EXPECT_THAT(f.places, ElementsAre(directory_));
}

TEST_F(ForecastTest, VariablesNameFilesByTheirWholePath) {
  file("lib.so", "x");
  const Forecast f = of({path("bin/one")}, {"LD_PRELOAD=" + path("lib.so") + ":two", "A=lib.so"});
  EXPECT_THAT(f.files, ElementsAre(path("lib.so")));
  EXPECT_THAT(f.programs, IsEmpty());
}

}  // namespace
}  // namespace fptrace::emu
