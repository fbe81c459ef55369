#include "backends/emu/recording/disk_reader.h"

#include <ext2fs/ext2fs.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string_view>

#include "backends/emu/recording/disk_image.h"

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

// A block of zeros is never given room on a disk of ours: this one was taken out (read_disk.h).
bool lacks_block(ext2_filsys fs, ext2_ino_t inode, uint64_t offset, std::span<const char> data) {
  const size_t size = fs->blocksize;
  const size_t first = size_t((size - offset % size) % size);
  for (size_t at = first; at < data.size(); at += size) {
    const auto block = data.subspan(at, std::min(size, data.size() - at));
    if (std::ranges::any_of(block, [](char c) { return c != 0; })) continue;
    blk64_t place = 0;
    int flags = 0;
    const errcode_t error =
        ext2fs_bmap2(fs, inode, nullptr, nullptr, 0, (offset + at) / size, &flags, &place);
    if (error != 0 || place != 0) return true;
  }
  return false;
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

bool DiskReader::is_of_host() const {
  const auto* label = reinterpret_cast<const char*>(fs_->super->s_volume_name);
  return std::string_view(label, ::strnlen(label, EXT2_LABEL_LEN)) == kHostLabel;
}

bool DiskReader::has(const std::string& path) const {
  ext2_ino_t inode = 0;
  return ext2fs_namei(fs_.get(), EXT2_ROOT_INO, EXT2_ROOT_INO, path.c_str(), &inode) == 0;
}

std::optional<std::set<std::string>> DiskReader::names(const std::string& path) const {
  ext2_ino_t inode = 0;
  if (ext2fs_namei(fs_.get(), EXT2_ROOT_INO, EXT2_ROOT_INO, path.c_str(), &inode) != 0)
    return std::nullopt;
  std::set<std::string> names;
  const auto add = [](ext2_dir_entry* entry, int, int, char*, void* to) {
    static_cast<std::set<std::string>*>(to)->emplace(entry->name,
                                                     size_t(ext2fs_dirent_name_len(entry)));
    return 0;
  };
  if (ext2fs_dir_iterate(fs_.get(), inode, 0, nullptr, add, &names) != 0) return std::nullopt;
  return names;
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
  if (lacks_block(fs_.get(), ext2_ino_t(number), offset, out.first(got)))
    return fail(Errc::kUnsupported, "a file that the guest did not read is not in the recording");
  return size_t(got);
}

}  // namespace fptrace::emu
