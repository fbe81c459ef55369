#include "backends/emu/recording/disk_reader.h"

#include <ext2fs/ext2fs.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>

namespace fptrace::emu {
namespace {

// ext4_extra_time in fs/ext4/ext4.h: two bits of seconds beyond 2038, then nanoseconds.
int64_t nanoseconds(uint32_t seconds, uint32_t extra) {
  const int64_t whole = int64_t(int32_t(seconds)) + (int64_t(extra & 3) << 32);
  return whole * 1'000'000'000 + (extra >> 2);
}

class OpenFile {
 public:
  OpenFile(ext2_filsys fs, ext2_ino_t inode) {
    if (ext2fs_file_open(fs, inode, 0, &file_) != 0) file_ = nullptr;
  }
  ~OpenFile() {
    if (file_) ext2fs_file_close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ext2_file_t get() const { return file_; }

 private:
  ext2_file_t file_ = nullptr;
};

bool is_number(ext2_filsys fs, uint64_t inode) {
  return inode != 0 && inode <= fs->super->s_inodes_count;
}

}  // namespace

void DiskReader::Close::operator()(struct_ext2_filsys* fs) const { ext2fs_close(fs); }

Result<DiskReader> DiskReader::open(const std::string& path) {
  ext2_filsys fs = nullptr;
  const errcode_t error = ext2fs_open(path.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs);
  if (error != 0)
    return fail(Errc::kBackend, "the guest's disk " + path + ": " + error_message(error));
  return DiskReader(fs);
}

std::optional<DiskReader::File> DiskReader::file(uint64_t number) const {
  ext2_inode_large inode{};
  if (!is_number(fs_.get(), number) ||
      ext2fs_read_inode_full(fs_.get(), ext2_ino_t(number), reinterpret_cast<ext2_inode*>(&inode),
                             sizeof inode) != 0 ||
      !S_ISREG(inode.i_mode))
    return std::nullopt;
  const uint64_t size = EXT2_I_SIZE(reinterpret_cast<ext2_inode*>(&inode));
  return File{size, nanoseconds(inode.i_mtime, inode.i_mtime_extra)};
}

Result<size_t> DiskReader::read(uint64_t number, uint64_t offset, std::span<char> out) const {
  const auto cannot = [number] {
    return fail(Errc::kBackend, "read file " + std::to_string(number) + " of the guest's disk");
  };
  if (!is_number(fs_.get(), number)) return cannot();
  const OpenFile file(fs_.get(), ext2_ino_t(number));
  if (!file.get()) return cannot();
  if (ext2fs_file_llseek(file.get(), offset, EXT2_SEEK_SET, nullptr) != 0) return cannot();
  unsigned got = 0;
  const size_t most = std::min<size_t>(out.size(), std::numeric_limits<int>::max());
  if (ext2fs_file_read(file.get(), out.data(), unsigned(most), &got) != 0) return cannot();
  return size_t(got);
}

}  // namespace fptrace::emu
