#include "backends/emu/recording/sparse_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/unique_fd.h"

namespace fptrace::emu {
namespace {

UniqueFd temporary() { return UniqueFd(::open("/tmp", O_RDWR | O_TMPFILE, 0600)); }

std::string pack(int fd) {
  std::string out;
  const auto ok = pack_sparse(fd, [&](std::string_view bytes) {
    out += bytes;
    return Result<void>();
  });
  EXPECT_TRUE(ok);
  return out;
}

Result<void> unpack(const std::string& packed, int fd, uint64_t size) {
  size_t at = 0;
  return unpack_sparse(
      [&](char* out, size_t most) {
        const size_t n = packed.copy(out, most, at);
        at += n;
        return Result<size_t>(n);
      },
      fd, size);
}

TEST(SparseFile, ComesBackWithItsHoles) {
  const UniqueFd in = temporary(), out = temporary();
  constexpr off_t kSize = off_t{1} << 33;
  ASSERT_EQ(::ftruncate(in.get(), kSize), 0);
  ASSERT_EQ(::pwrite(in.get(), "begin", 5, 0), 5);
  ASSERT_EQ(::pwrite(in.get(), "middle", 6, off_t{1} << 32), 6);
  const std::string packed = pack(in.get());
  EXPECT_LT(packed.size(), 4096u);
  ASSERT_TRUE(unpack(packed, out.get(), uint64_t(kSize)));
  struct stat st {};
  ASSERT_EQ(::fstat(out.get(), &st), 0);
  EXPECT_EQ(st.st_size, kSize);
  EXPECT_LT(st.st_blocks * 512, 1 << 20);
  char text[6];
  ASSERT_EQ(::pread(out.get(), text, 6, off_t{1} << 32), 6);
  EXPECT_EQ(std::string(text, 6), "middle");
}

TEST(SparseFile, EmptyAndDenseFilesComeBack) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{3} << 20}) {
    const UniqueFd in = temporary(), out = temporary();
    const std::string data(size, 'x');
    ASSERT_EQ(::write(in.get(), data.data(), size), ssize_t(size));
    ASSERT_TRUE(unpack(pack(in.get()), out.get(), size));
    std::string again(size, ' ');
    ASSERT_EQ(::pread(out.get(), again.data(), size, 0), ssize_t(size));
    EXPECT_EQ(again, data);
  }
}

TEST(SparseFile, CutShortEditedOrTooLargeIsAnError) {
  const UniqueFd in = temporary();
  ASSERT_EQ(::pwrite(in.get(), "data", 4, 100000), 4);
  const std::string packed = pack(in.get());
  for (size_t n = 0; n < packed.size(); ++n)
    EXPECT_FALSE(unpack(packed.substr(0, n), temporary().get(), 100004)) << n;
  for (size_t i = 0; i < packed.size(); ++i) {
    std::string edited = packed;
    edited[i] = char(edited[i] ^ 0x10);
    (void)unpack(edited, temporary().get(), 100004);  // whatever comes of it, it comes to an end
  }
  EXPECT_FALSE(unpack(packed, temporary().get(), 1000));
}

}  // namespace
}  // namespace fptrace::emu
