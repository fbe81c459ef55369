#include "backends/emu/image/memory_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "backends/emu/image/private_directory.h"

namespace fptrace::emu {
namespace {

constexpr size_t kPage = 4096;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class MemoryFile : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = PrivateDirectory::make(temporary_directory());
    ASSERT_TRUE(made) << made.error().what;
    directory_ = *std::move(made);
    // A hole of 1 MiB, a page, a page of zeros, two pages that only end in something, a hole.
    memory_.assign(1 << 20, '\0');
    memory_ += std::string(kPage, 'a') + std::string(kPage, '\0');
    memory_ += std::string(2 * kPage, '\0');
    memory_.back() = 'z';
    memory_[memory_.size() - kPage - 1] = 'y';
    std::ofstream file(path("from"), std::ios::binary);
    file.seekp(1 << 20);
    file.write(memory_.data() + (1 << 20), std::streamsize(memory_.size() - (1 << 20)));
    file.close();
    memory_.resize(4 << 20);
    std::filesystem::resize_file(path("from"), memory_.size());
  }
  std::string path(const char* name) const { return directory_.file(name); }

  PrivateDirectory directory_;
  std::string memory_;
};

TEST_F(MemoryFile, TellsOfRunsOfPagesThatAreNotZero) {
  std::vector<std::pair<uint64_t, size_t>> runs;
  const auto ok = read_memory(path("from"), [&](uint64_t offset, std::string_view bytes) {
    runs.emplace_back(offset, bytes.size());
    return Result<void>();
  });
  ASSERT_TRUE(ok) << ok.error().what;
  const std::vector<std::pair<uint64_t, size_t>> expected{{1 << 20, kPage},
                                                          {(1 << 20) + 2 * kPage, 2 * kPage}};
  EXPECT_EQ(runs, expected);
}

TEST_F(MemoryFile, ACopyHasEqualContentAndNoMoreRoom) {
  ASSERT_TRUE(copy_memory(path("from"), path("to")));
  EXPECT_TRUE(content_of(path("to")) == memory_);
  struct stat st {};
  ASSERT_EQ(::stat(path("to").c_str(), &st), 0);
  EXPECT_LE(st.st_blocks * 512, 64 << 10);
}

// All users may use one image.
TEST_F(MemoryFile, ACopyMayBeReadByOthers) {
  const mode_t before = ::umask(022);
  ASSERT_TRUE(copy_memory(path("from"), path("to")));
  ::umask(before);
  struct stat st {};
  ASSERT_EQ(::stat(path("to").c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0644u);
}

TEST_F(MemoryFile, AnErrorNamesTheFile) {
  const auto none = copy_memory(path("none"), path("to"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().what, "open " + path("none") + ": No such file or directory");
  std::ofstream(path("to")) << "there";
  EXPECT_FALSE(copy_memory(path("from"), path("to")));
  EXPECT_EQ(content_of(path("to")), "there");
}

TEST_F(MemoryFile, WhoeverTakesMayStop) {
  const auto ok = read_memory(path("from"), [](uint64_t, std::string_view) -> Result<void> {
    return fail(Errc::kIo, "full");
  });
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().what, "full");
}

}  // namespace
}  // namespace fptrace::emu
