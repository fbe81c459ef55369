#include "backends/emu/recording/read_disk.h"

#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "backends/emu/qemu/command.h"
#include "backends/emu/qemu/qemu_binary.h"
#include "common/base/unique_fd.h"

namespace fptrace::emu {
namespace {

struct Closer {
  void operator()(ext2_filsys fs) const { ext2fs_close_free(&fs); }
};
using FileSystem = std::unique_ptr<struct_ext2_filsys, Closer>;

// Which blocks of the disk are kept.
class Kept {
 public:
  Kept(uint64_t bytes, uint64_t block)
      : block_(block), kept_(size_t((bytes + block - 1) / block)) {}

  void add(const DiskRange& range) {
    const auto end = std::min<uint64_t>((range.end + block_ - 1) / block_, kept_.size());
    for (uint64_t i = range.begin / block_; i < end; ++i) kept_[size_t(i)] = true;
  }
  void add_block(uint64_t i) {
    if (i < kept_.size()) kept_[size_t(i)] = true;
  }
  bool has(uint64_t i) const { return i < kept_.size() && kept_[size_t(i)]; }
  uint64_t block_size() const { return block_; }
  uint64_t count() const { return kept_.size(); }

 private:
  uint64_t block_;
  std::vector<bool> kept_;
};

tl::unexpected<Error> failed(const std::string& path, errcode_t code) {
  return fail(Errc::kIo, "the guest's disk " + path + ": " + error_message(code));
}

int add_block_to(ext2_filsys, blk64_t* block, e2_blkcnt_t, blk64_t, int, void* list) {
  static_cast<std::vector<blk64_t>*>(list)->push_back(*block);
  return 0;
}

// All of a file, and of what says where its blocks are, once any of it was read.
Result<void> keep_whole_files(const std::string& path, Kept& kept) {
  ext2_filsys opened = nullptr;
  errcode_t e = ext2fs_open(path.c_str(), EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &opened);
  if (e != 0) return failed(path, e);
  const FileSystem fs(opened);
  ext2_inode_scan begun = nullptr;
  e = ext2fs_open_inode_scan(fs.get(), 0, &begun);
  if (e != 0) return failed(path, e);
  const std::unique_ptr<std::remove_pointer_t<ext2_inode_scan>, void (*)(ext2_inode_scan)> scan(
      begun, ext2fs_close_inode_scan);
  ext2_ino_t number = 0;
  ext2_inode inode{};
  std::vector<blk64_t> blocks;
  while ((e = ext2fs_get_next_inode(scan.get(), &number, &inode)) == 0 && number != 0) {
    if (inode.i_links_count == 0 || !LINUX_S_ISREG(inode.i_mode)) continue;
    blocks.clear();
    e = ext2fs_block_iterate3(fs.get(), number, BLOCK_FLAG_READ_ONLY, nullptr, add_block_to,
                              &blocks);
    if (e != 0) return failed(path, e);
    if (std::ranges::any_of(blocks, [&](blk64_t block) { return kept.has(block); }))
      for (const blk64_t block : blocks) kept.add_block(block);
  }
  return e == 0 ? Result<void>() : failed(path, e);
}

Result<void> punch(int fd, uint64_t begin, uint64_t end, const std::string& path) {
  if (begin == end) return {};
  if (::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off_t(begin),
                  off_t(end - begin)) == 0)
    return {};
  // A file system without holes: what is not wanted is only larger then.
  return errno == EOPNOTSUPP ? Result<void>() : fail_errno("shorten " + path);
}

Result<void> drop_others(const std::string& path, const Kept& kept) {
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  const uint64_t size = kept.block_size();
  off_t at = 0;
  for (off_t data; (data = ::lseek(fd.get(), at, SEEK_DATA)) >= 0;) {
    at = ::lseek(fd.get(), data, SEEK_HOLE);
    if (at < 0) return fail_errno("read " + path);
    const uint64_t end = uint64_t(at) / size;
    for (uint64_t i = uint64_t(data) / size; i < end;) {
      uint64_t next = i;
      while (next < end && !kept.has(next)) ++next;
      if (auto ok = punch(fd.get(), i * size, next * size, path); !ok) return ok;
      i = next;
      while (i < end && kept.has(i)) ++i;
    }
  }
  return errno == ENXIO ? Result<void>() : fail_errno("read " + path);
}

}  // namespace

Result<std::vector<DiskRange>> parse_overlay_map(std::string_view json) {
  std::vector<DiskRange> ranges;
  const auto bad = [] { return fail(Errc::kParse, "qemu-img does not tell what a disk has"); };
  const auto all = nlohmann::json::parse(json, nullptr, false);
  if (!all.is_array()) return bad();
  for (const auto& one : all) {
    if (!one.is_object()) return bad();
    const auto start = one.find("start"), length = one.find("length"), depth = one.find("depth");
    const bool whole = start != one.end() && length != one.end() && depth != one.end() &&
                       start->is_number_unsigned() && length->is_number_unsigned() &&
                       depth->is_number_unsigned();
    if (!whole) return bad();
    // What was never written is of depth 0, too, where the file below is shorter.
    const auto present = one.find("present");
    const bool here = present == one.end() || (present->is_boolean() && present->get<bool>());
    const auto begin = start->get<uint64_t>(), size = length->get<uint64_t>();
    if (begin + size < begin) return bad();
    if (here && depth->get<uint64_t>() == 0) ranges.push_back({begin, begin + size});
  }
  return ranges;
}

Result<void> keep_what_was_read(const std::string& contents, const std::string& overlay) {
  const auto qemu_img = find_in_path("qemu-img");
  if (!qemu_img) return fail(qemu_img.error());
  const auto json = run_command({*qemu_img, "map", "--output=json", "-f", "qcow2", overlay});
  if (!json) return fail(json.error());
  const auto ranges = parse_overlay_map(*json);
  if (!ranges) return fail(ranges.error());
  struct stat st {};
  if (::stat(contents.c_str(), &st) != 0) return fail_errno("open " + contents);
  constexpr uint64_t kBlock = 4096;  // of the disk's file system
  Kept kept(uint64_t(st.st_size), kBlock);
  for (const DiskRange& range : *ranges) kept.add(range);
  if (auto ok = keep_whole_files(contents, kept); !ok) return ok;
  return drop_others(contents, kept);
}

}  // namespace fptrace::emu
