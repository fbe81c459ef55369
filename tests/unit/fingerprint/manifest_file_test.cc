#include "fingerprint/manifest_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "tests/unit/fingerprint/sample.h"

namespace fptrace {
namespace {

namespace fs = std::filesystem;
using test::full_manifest;
using test::small_manifest;
using ::testing::HasSubstr;

class ManifestFileTest : public ::testing::Test {
 protected:
  ManifestFileTest() {
    std::string name = ::testing::TempDir() + "fptrace-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    dir = name;
  }
  ~ManifestFileTest() override {
    if (!HasFailure()) fs::remove_all(dir);
  }
  size_t entries() const {
    return size_t(std::distance(fs::directory_iterator(dir), fs::directory_iterator()));
  }
  fs::path dir;
};

TEST_F(ManifestFileTest, IsReadBackInEitherFormat) {
  for (const auto format : {ManifestFormat::kJson, ManifestFormat::kPb}) {
    const std::string path = dir / "m";
    ASSERT_TRUE(write_manifest(path, format, full_manifest()));
    const auto m = read_manifest(path);
    ASSERT_TRUE(m) << m.error().what;
    EXPECT_EQ(*m, full_manifest());
    EXPECT_EQ(entries(), 1u) << "a temporary name was left behind";
  }
}

TEST_F(ManifestFileTest, JsonMayBeginWithBlanks) {
  std::ofstream(dir / "m") << "\n  " << to_json(small_manifest());
  EXPECT_EQ(read_manifest(dir / "m"), small_manifest());
}

TEST_F(ManifestFileTest, KeepsTheModeOfWhatItReplacesAndTheLinkToIt) {
  const fs::path real = dir / "real", link = dir / "link";
  std::ofstream(real) << "old";
  fs::permissions(real, fs::perms(0640));
  fs::create_symlink("real", link);
  ASSERT_TRUE(write_manifest(link, ManifestFormat::kJson, small_manifest()));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(fs::status(real).permissions(), fs::perms(0640));
  EXPECT_EQ(read_manifest(real), small_manifest());
}

TEST_F(ManifestFileTest, NewFileHasTheModeThatTheUmaskGives) {
  const mode_t old = ::umask(027);
  const auto written = write_manifest(dir / "m", ManifestFormat::kJson, small_manifest());
  ::umask(old);
  ASSERT_TRUE(written);
  EXPECT_EQ(fs::status(dir / "m").permissions(), fs::perms(0640));
}

TEST_F(ManifestFileTest, ErrorsNameThePath) {
  const auto no_dir = write_manifest(dir / "no/m", ManifestFormat::kJson, small_manifest());
  ASSERT_FALSE(no_dir);
  EXPECT_THAT(no_dir.error().what, HasSubstr("/no/m: No such file or directory"));
  const auto is_dir = check_writable(dir);
  ASSERT_FALSE(is_dir);
  EXPECT_EQ(is_dir.error().sys, EISDIR);
  EXPECT_FALSE(check_writable(""));
  EXPECT_FALSE(check_writable(dir / "no/m"));
  std::ofstream(dir / "bad") << "{";
  const auto bad = read_manifest(dir / "bad");
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error().what, HasSubstr("/bad: manifest: not JSON"));
}

TEST_F(ManifestFileTest, CheckingLeavesNothingBehind) {
  EXPECT_TRUE(check_writable(dir / "m"));
  EXPECT_EQ(entries(), 0u);
}

TEST_F(ManifestFileTest, PipeIsWrittenToDirectly) {
  std::array<int, 2> fds;
  ASSERT_EQ(::pipe(fds.data()), 0);
  const std::string path = "/proc/self/fd/" + std::to_string(fds[1]);
  EXPECT_TRUE(check_writable(path));
  ASSERT_TRUE(write_manifest(path, ManifestFormat::kJson, small_manifest()));
  ::close(fds[1]);
  std::string text(4096, '\0');
  const ssize_t n = ::read(fds[0], text.data(), text.size());
  ::close(fds[0]);
  ASSERT_GT(n, 0);
  EXPECT_EQ(text.substr(0, size_t(n)), to_json(small_manifest()));
}

TEST_F(ManifestFileTest, FullDiskLeavesTheOldOneAndNoDraft) {
  const auto r = write_manifest("/dev/full", ManifestFormat::kJson, small_manifest());
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().sys, ENOSPC);
}

}  // namespace
}  // namespace fptrace
