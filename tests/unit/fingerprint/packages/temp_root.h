#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace fptrace::test {

// A root directory of the test's own, kept when the test fails.
class TempRoot {
 public:
  TempRoot() {
    std::string name = ::testing::TempDir() + "fptrace-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  ~TempRoot() {
    if (!::testing::Test::HasFailure()) std::filesystem::remove_all(root_);
  }
  TempRoot(const TempRoot&) = delete;
  TempRoot& operator=(const TempRoot&) = delete;

  // `path` as seen from inside: "/usr/x".
  void write(const std::string& path, std::string_view content = "") const {
    const std::filesystem::path full = root_.string() + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full, std::ios::binary) << content;
  }
  void link(const std::string& target, const std::string& path) const {
    const std::filesystem::path full = root_.string() + path;
    std::filesystem::create_directories(full.parent_path());
    std::filesystem::create_symlink(target, full);
  }
  void directory(const std::string& path) const {
    std::filesystem::create_directories(root_.string() + path);
  }
  std::string str() const { return root_.string(); }

 private:
  std::filesystem::path root_;
};

}  // namespace fptrace::test
