#include "backends/emu/recording/bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

BundleHeader sample() {
  BundleHeader h;
  h.qemu = "10.0.2 (Debian)";
  h.image = "default";
  h.state = std::string(64, 'a');
  h.kernel = "6.1.0";
  h.argv = {"./a", "\xff", ""};
  h.cwd = "/w";
  h.exit = {0, 11};
  h.first_instruction = 12;
  h.instructions = 123;
  h.output_bytes = 5;
  h.guest_sha256 = std::string(64, 'b');
  return h;
}

class Bundle : public ::testing::Test {
 protected:
  Bundle() {
    char name[] = "/tmp/bundle_XXXXXX";
    directory_ = ::mkdtemp(name);
    std::ofstream(file("log")) << "the log";
    std::ofstream(file("disk")) << std::string(100000, 'd');
    path_ = file("a.fpr");
    EXPECT_TRUE(write_bundle(path_, sample(), file("log"), file("disk")));
    whole_ = read(path_);
  }
  ~Bundle() override { fs::remove_all(directory_); }
  std::string file(const std::string& name) { return directory_ + "/" + name; }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  // Of a bundle that is `bytes`.
  std::string complaint(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary) << bytes;
    const auto index = read_bundle(path_);
    return index ? "" : index.error().what;
  }
  std::string directory_, path_, whole_;
};

TEST_F(Bundle, ComesBackAsItWas) {
  const auto index = read_bundle(path_);
  ASSERT_TRUE(index) << index.error().what;
  BundleHeader expected = sample();
  expected.log = index->header.log;
  expected.disk = index->header.disk;
  EXPECT_EQ(index->header, expected);
  ASSERT_TRUE(unpack_bundle(path_, *index, file("log2"), file("disk2")));
  EXPECT_EQ(read(file("log2")), "the log");
  EXPECT_EQ(read(file("disk2")), std::string(100000, 'd'));
}

TEST_F(Bundle, LeavesNothingElseBehind) {
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(directory_)) ++files;
  EXPECT_EQ(files, 3u);
}

TEST_F(Bundle, ThatCannotBeWrittenLeavesNothingBehind) {
  EXPECT_FALSE(write_bundle(file("b.fpr"), sample(), file("log"), file("not there")));
  EXPECT_FALSE(write_bundle(file("no/b.fpr"), sample(), file("log"), file("disk")));
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(directory_)) ++files;
  EXPECT_EQ(files, 3u);
}

TEST_F(Bundle, CutShortAnywhereIsRefused) {
  for (size_t n = 0; n < whole_.size(); ++n) EXPECT_NE(complaint(whole_.substr(0, n)), "") << n;
  EXPECT_THAT(complaint(whole_.substr(0, whole_.size() - 1)), HasSubstr("is cut short"));
}

TEST_F(Bundle, EditedAnywhereIsRefused) {
  for (size_t i = 0; i < whole_.size(); ++i) {
    std::string edited = whole_;
    edited[i] = char(edited[i] ^ 1);
    EXPECT_NE(complaint(edited), "") << i;
  }
}

TEST_F(Bundle, AnotherFileIsNoRecording) {
  EXPECT_THAT(complaint("#!/bin/sh\n"), HasSubstr("is no recording"));
  std::string older = whole_;
  older[7] = '1';
  EXPECT_THAT(complaint(older), HasSubstr(".fpr was recorded with another version of fptrace"));
}

}  // namespace
}  // namespace fptrace::emu
