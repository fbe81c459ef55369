#include "common/path/program_search.h"

#include <gtest/gtest.h>

#include <cerrno>
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
}

TEST(HostProgramError, IsThatOfExecve) {
  EXPECT_EQ(host_program_error("/bin/sh"), 0);
  EXPECT_EQ(host_program_error("/"), EISDIR);
  EXPECT_EQ(host_program_error("/etc/passwd"), EACCES);
  EXPECT_EQ(host_program_error("/no/such"), ENOENT);
  EXPECT_EQ(host_program_error("/etc/passwd/x"), ENOTDIR);
}

}  // namespace
}  // namespace fptrace
