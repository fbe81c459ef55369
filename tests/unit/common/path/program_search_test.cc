#include "common/path/program_search.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace fptrace {
namespace {

FoundProgram look(const std::string& name, const std::string& search,
                  const std::map<std::string, int>& there) {
  return search_program(name, search, [&](const std::string& path) {
    const auto it = there.find(path);
    return it == there.end() ? ENOENT : it->second;
  });
}

TEST(SearchProgram, TakesTheFirstThatCanBeExecuted) {
  EXPECT_EQ(look("p", "/a:/b:/c", {{"/b/p", 0}, {"/c/p", 0}}).path, "/b/p");
  EXPECT_EQ(look("p", "/a:/b", {{"/a/p", EACCES}, {"/b/p", 0}}).path, "/b/p");
  EXPECT_EQ(look("p", ":/b", {{"./p", 0}, {"/b/p", 0}}).path, "./p");
}

TEST(SearchProgram, ANameWithASlashIsNotLookedFor) {
  EXPECT_EQ(look("d/p", "/a", {{"d/p", 0}, {"/a/d/p", 0}}).path, "d/p");
  EXPECT_EQ(look("d/p", "/a", {{"/a/d/p", 0}}).error, ENOENT);
}

TEST(SearchProgram, SaysWhatWasThereButMayNotBeExecuted) {
  EXPECT_EQ(look("p", "/a:/b", {{"/a/p", EACCES}}).error, EACCES);
  EXPECT_EQ(look("p", "/a:/b", {{"/a/p", EISDIR}}).error, EISDIR);
  EXPECT_EQ(look("p", "/a", {{"/a/p", ENOTDIR}}).error, ENOENT);
  EXPECT_EQ(look("", "/a", {{"/a/", 0}}).error, ENOENT);
  EXPECT_EQ(look("p", "/a:/b", {{"/a/p", EACCES}, {"/b/p", EACCES}}).refused, "/a/p");
  EXPECT_EQ(look("p", "/a:/b", {{"/a/p", EACCES}, {"/b/p", 0}}).refused, "");
  EXPECT_EQ(look("/a/p", "", {{"/a/p", EACCES}}).refused, "/a/p");
}

TEST(HostProgramError, IsThatOfExecve) {
  EXPECT_EQ(host_program_error("/bin/sh"), 0);
  EXPECT_EQ(host_program_error("/"), EISDIR);
  EXPECT_EQ(host_program_error("/etc/passwd"), EACCES);
  EXPECT_EQ(host_program_error("/no/such"), ENOENT);
  EXPECT_EQ(host_program_error("/etc/passwd/x"), ENOTDIR);
}

class FindProgram : public ::testing::Test {
 protected:
  FindProgram() : old_path_(std::getenv("PATH")) {
    char name[] = "/tmp/fptrace-test-XXXXXX";
    dir_ = ::mkdtemp(name);
    ::setenv("PATH", (dir_ + "/a:" + dir_ + "/b").c_str(), 1);
    for (const char* d : {"/a", "/b"}) std::filesystem::create_directory(dir_ + d);
  }
  ~FindProgram() override {
    ::setenv("PATH", old_path_.c_str(), 1);
    std::filesystem::remove_all(dir_);
  }
  void make(const std::string& name, mode_t mode) {
    std::ofstream(dir_ + name) << "x";
    ::chmod((dir_ + name).c_str(), mode);
  }
  int error(const std::string& name) { return find_program(name).error().sys; }
  std::string old_path_, dir_;
};

TEST_F(FindProgram, GoesOnWhereTheFirstIsNotExecutable) {
  make("/a/p", 0644);
  make("/b/p", 0755);
  EXPECT_EQ(*find_program("p"), dir_ + "/b/p");
}
TEST_F(FindProgram, SaysThatTheOnlyOneIsNotExecutable) {
  make("/a/p", 0644);
  EXPECT_EQ(error("p"), EACCES);
}
TEST_F(FindProgram, SaysNotFound) { EXPECT_EQ(error("p"), ENOENT); }
TEST_F(FindProgram, ADirectoryIsNoProgram) { EXPECT_EQ(error(dir_ + "/a"), EISDIR); }
TEST_F(FindProgram, ANameWithASlashIsNotSearchedFor) {
  make("/a/p", 0755);
  EXPECT_EQ(error("./p"), ENOENT);
}
TEST_F(FindProgram, AnEmptyNameIsNotFound) { EXPECT_EQ(error(""), ENOENT); }

}  // namespace
}  // namespace fptrace
