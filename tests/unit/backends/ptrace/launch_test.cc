#include "backends/ptrace/launch.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace fptrace::ptrace {
namespace {

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
}  // namespace fptrace::ptrace
