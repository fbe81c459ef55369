#include "backends/emu/recording/disk_image.h"

#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {  // this header does not say so itself
#include <et/com_err.h>
}

#include <algorithm>
#include <array>
#include <cstring>
#include <map>

#include "backends/emu/image/image.h"
#include "backends/emu/qemu/command.h"
#include "backends/emu/qemu/qemu_binary.h"
#include "common/base/unique_fd.h"

namespace fptrace::emu {
namespace {

constexpr uint64_t kBlock = 4096;
constexpr uint64_t kFree = uint64_t{8} << 30;  // for what the program writes
// Room for directories, side by side. What is not used of it takes none.
constexpr blk64_t kDirectoryBlocks = 4096;

struct Closer {
  void operator()(ext2_filsys fs) const { ext2fs_close_free(&fs); }
};
using FileSystemHandle = std::unique_ptr<struct_ext2_filsys, Closer>;

// Where a file system begins there is nothing yet.
Result<void> check_reserved(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) return fail_errno("open " + path);
  std::array<char, kBlock> first{};
  if (::pread(fd.get(), first.data(), first.size(), 0) < 0) return fail_errno("read " + path);
  if (uint64_t(st.st_size) == kDiskSize && first == std::array<char, kBlock>{}) return {};
  return fail(Errc::kIo, path + " is not the new file of a disk");
}

// "/a/b": ("/a", "b").
std::pair<std::string, std::string> split(const std::string& path) {
  const size_t slash = path.rfind('/');
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

// Hosts show none in their root.
errcode_t remove_lost_and_found(ext2_filsys fs) {
  constexpr char kName[] = "lost+found";
  ext2_ino_t ino = 0;
  ext2_inode directory{}, root{};
  errcode_t e = ext2fs_lookup(fs, EXT2_ROOT_INO, kName, sizeof kName - 1, nullptr, &ino);
  if (e == 0) e = ext2fs_unlink(fs, EXT2_ROOT_INO, kName, ino, 0);
  if (e == 0) e = ext2fs_punch(fs, ino, nullptr, nullptr, 0, ~blk64_t{0});
  if (e == 0) e = ext2fs_read_inode(fs, ino, &directory);
  directory.i_links_count = 0;
  directory.i_dtime = 1;
  if (e == 0) e = ext2fs_write_inode(fs, ino, &directory);
  if (e == 0) e = ext2fs_read_inode(fs, EXT2_ROOT_INO, &root);
  --root.i_links_count;
  if (e == 0) e = ext2fs_write_inode(fs, EXT2_ROOT_INO, &root);
  if (e == 0) ext2fs_inode_alloc_stats2(fs, ino, -1, 1);
  return e;
}

void set_meta(ext2_inode_large& inode, const FileMeta& meta) {
  inode.i_mode = uint16_t((inode.i_mode & LINUX_S_IFMT) | (meta.mode & 07777));
  inode.i_uid = uint16_t(meta.uid);
  inode.osd2.linux2.l_i_uid_high = uint16_t(meta.uid >> 16);
  inode.i_gid = uint16_t(meta.gid);
  inode.osd2.linux2.l_i_gid_high = uint16_t(meta.gid >> 16);
  // fs/ext4/ext4.h in Linux, "Extended timestamps": two more bits of seconds, 30 of nanoseconds.
  const int64_t low = int32_t(uint32_t(uint64_t(meta.mtime)));
  const uint32_t extra = uint32_t(uint64_t(meta.mtime - low) >> 32 & 3) | meta.mtime_ns << 2;
  inode.i_extra_isize = sizeof(ext2_inode_large) - EXT2_GOOD_OLD_INODE_SIZE;
  inode.i_mtime = inode.i_atime = inode.i_ctime = inode.i_crtime = uint32_t(uint64_t(meta.mtime));
  inode.i_mtime_extra = inode.i_atime_extra = inode.i_ctime_extra = inode.i_crtime_extra = extra;
}

}  // namespace

struct DiskImage::State {
  std::string path;
  FileSystemHandle fs;
  blk64_t first_of_directories = 0, end_of_directories = 0;  // end: of those used so far
  blk64_t next_of_files = 0;
  bool makes_directory = false;
  std::map<std::string, ext2_ino_t> directories{{"/", EXT2_ROOT_INO}};

  void place_directories() {
    (void)find_free(fs->super->s_first_data_block, ext2fs_blocks_count(fs->super),
                    &first_of_directories);
    end_of_directories = first_of_directories;
    fs->priv_data = this;
    ext2fs_set_alloc_block_callback(
        fs.get(),
        [](ext2_filsys of, blk64_t, blk64_t* block) {
          return static_cast<State*>(of->priv_data)->allocate(block);
        },
        nullptr);
  }

  // Directories below all else, as long as there is room for them.
  errcode_t allocate(blk64_t* block) {
    const blk64_t limit = first_of_directories + kDirectoryBlocks;
    if (makes_directory && find_free(first_of_directories, limit, block) == 0) {
      end_of_directories = std::max(end_of_directories, *block + 1);
    } else {
      const blk64_t end = ext2fs_blocks_count(fs->super);
      if (const errcode_t e = find_free(std::max(limit, next_of_files), end, block); e != 0)
        return e == ENOENT ? EXT2_ET_BLOCK_ALLOC_FAIL : e;
      next_of_files = *block + 1;
    }
    ext2fs_clear_block_uninit(fs.get(), ext2fs_group_of_blk2(fs.get(), *block));
    return 0;
  }

  errcode_t find_free(blk64_t begin, blk64_t end, blk64_t* block) const {
    if (begin >= end) return ENOENT;
    return ext2fs_find_first_zero_block_bitmap2(fs->block_map, begin, end - 1, block);
  }

  // As many blocks side by side as there are, up to `most`.
  errcode_t allocate_run(blk64_t most, blk64_t* first, blk64_t* count) {
    if (const errcode_t e = allocate(first); e != 0) return e;
    const blk64_t end = std::min(*first + most, ext2fs_blocks_count(fs->super));
    blk64_t used = end;
    if (ext2fs_find_first_set_block_bitmap2(fs->block_map, *first, end - 1, &used) != 0) used = end;
    *count = used - *first;
    ext2fs_block_alloc_stats_range(fs.get(), *first, blk_t(*count), +1);
    next_of_files = used;
    return 0;
  }

  std::vector<DiskRange> metadata() const {
    std::vector<DiskRange> ranges;
    const auto add = [&ranges](blk64_t begin, blk64_t end) {
      if (begin == end) return;
      if (!ranges.empty() && ranges.back().end == begin * kBlock)
        ranges.back().end = end * kBlock;
      else
        ranges.push_back({begin * kBlock, end * kBlock});
    };
    for (dgrp_t group = 0; group < fs->group_desc_count; ++group) {
      const auto& super = *fs->super;
      const uint64_t used = super.s_inodes_per_group - ext2fs_bg_itable_unused(fs.get(), group);
      const blk64_t table = ext2fs_inode_table_loc(fs.get(), group);
      add(table, table + (used * EXT2_INODE_SIZE(&super) + kBlock - 1) / kBlock);
    }
    add(first_of_directories, end_of_directories);
    return ranges;
  }

  tl::unexpected<Error> failed(const std::string& what, errcode_t code) const {
    const int sys = code > 0 && code < 4096 ? int(code) : 0;
    return fail(Errc::kIo, "the guest's disk: " + what + ": " + ::error_message(code), sys);
  }

  Result<ext2_ino_t> parent(const std::string& directory) {
    if (const auto it = directories.find(directory); it != directories.end()) return it->second;
    ext2_ino_t ino = 0;
    const errcode_t e =
        ext2fs_namei(fs.get(), EXT2_ROOT_INO, EXT2_ROOT_INO, directory.c_str(), &ino);
    if (e != 0) return failed(directory, e);
    directories[directory] = ino;
    return ino;
  }

  ext2_ino_t lookup(ext2_ino_t directory, const std::string& name) const {
    ext2_ino_t ino = 0;
    const errcode_t e =
        ext2fs_lookup(fs.get(), directory, name.c_str(), int(name.size()), nullptr, &ino);
    return e == 0 ? ino : 0;
  }

  // `make` is one that adds a name to the directory; it is tried again after the directory grew.
  template <class Make>
  Result<void> in_directory(const std::string& path, ext2_ino_t directory, Make make) {
    errcode_t e = make();
    if (e == EXT2_ET_DIR_NO_SPACE) {
      makes_directory = true;
      e = ext2fs_expand_dir(fs.get(), directory);
      makes_directory = false;
      if (e == 0) e = make();
    }
    if (e != 0) return failed(path, e);
    return {};
  }

  Result<ext2_ino_t> new_inode(const std::string& path, ext2_ino_t directory, int mode) {
    ext2_ino_t ino = 0;
    const errcode_t e = ext2fs_new_inode(fs.get(), directory, mode, nullptr, &ino);
    if (e != 0) return failed(path, e);
    return ino;
  }

  Result<void> update(const std::string& path, ext2_ino_t ino, const FileMeta& meta) {
    ext2_inode_large inode{};
    auto* plain = reinterpret_cast<ext2_inode*>(&inode);
    errcode_t e = ext2fs_read_inode_full(fs.get(), ino, plain, sizeof inode);
    if (e != 0) return failed(path, e);
    set_meta(inode, meta);
    e = ext2fs_write_inode_full(fs.get(), ino, plain, sizeof inode);
    if (e != 0) return failed(path, e);
    return set_xattrs(path, ino, meta);
  }

  Result<void> set_xattrs(const std::string& path, ext2_ino_t ino, const FileMeta& meta) {
    if (meta.xattrs.empty()) return {};
    ext2_xattr_handle* handle = nullptr;
    errcode_t e = ext2fs_xattrs_open(fs.get(), ino, &handle);
    if (e == 0) e = ext2fs_xattrs_read(handle);
    for (const auto& [name, value] : meta.xattrs)
      if (e == 0) e = ext2fs_xattr_set(handle, name.c_str(), value.data(), value.size());
    if (handle != nullptr) ext2fs_xattrs_close(&handle);
    if (e != 0) return failed(path, e);
    return {};
  }

  Result<void> make_empty_file(const std::string& path, ext2_ino_t ino) {
    ext2_inode_large inode{};
    inode.i_mode = LINUX_S_IFREG;
    inode.i_links_count = 1;
    auto* plain = reinterpret_cast<ext2_inode*>(&inode);
    ext2_extent_handle_t extents = nullptr;
    errcode_t e = ext2fs_extent_open2(fs.get(), ino, plain, &extents);  // makes an empty tree
    if (e != 0) return failed(path, e);
    ext2fs_extent_free(extents);
    e = ext2fs_write_inode_full(fs.get(), ino, plain, sizeof inode);
    if (e != 0) return failed(path, e);
    ext2fs_inode_alloc_stats2(fs.get(), ino, +1, 0);
    return {};
  }

  Result<void> write_content(const std::string& path, ext2_ino_t ino, uint64_t size,
                             const ContentReader& read);

  static uint64_t round_up(uint64_t bytes) { return (bytes + kBlock - 1) / kBlock * kBlock; }

  // Less than `most` at the end only.
  static Result<size_t> fill(char* out, uint64_t at, size_t most, const ContentReader& read) {
    size_t have = 0;
    while (have < most) {
      const auto n = read(at + have, out + have, most - have);
      if (!n) return fail(n.error());
      if (*n == 0) break;
      have += *n;
    }
    return have;
  }

  class BlockWriter;
};

// The blocks of one file, one after the other. libext2fs's own way writes each apart.
class DiskImage::State::BlockWriter {
 public:
  explicit BlockWriter(State& state) : state_(state) {}
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;
  ~BlockWriter() {
    if (extents_ != nullptr) ext2fs_extent_free(extents_);
  }

  errcode_t open(ext2_ino_t ino) { return ext2fs_extent_open(state_.fs.get(), ino, &extents_); }

  // Whole blocks, from the file's block `first` on. Those of zeros are left out.
  errcode_t write(blk64_t first, std::string_view data) {
    const auto is_zero = [](std::string_view s) {
      return s[0] == 0 && std::memcmp(s.data(), s.data() + 1, s.size() - 1) == 0;
    };
    errcode_t e = 0;
    while (!data.empty() && e == 0) {
      size_t length = 0;
      const bool zero = is_zero(data.substr(0, kBlock));
      while (length < data.size() && is_zero(data.substr(length, kBlock)) == zero) length += kBlock;
      if (!zero) e = write_all(first, data.substr(0, length));
      first += length / kBlock;
      data.remove_prefix(length);
    }
    return e;
  }

  // Not counting those of the tree of extents.
  blk64_t written() const { return written_; }

  errcode_t finish() {
    if (last_.e_len == 0) return 0;
    const errcode_t e = ext2fs_extent_insert(extents_, EXT2_EXTENT_INSERT_AFTER, &last_);
    return e != 0 ? e : ext2fs_extent_fix_parents(extents_);
  }

 private:
  errcode_t write_all(blk64_t first, std::string_view data) {
    while (!data.empty()) {
      blk64_t at = 0, count = 0;
      errcode_t e = state_.allocate_run(data.size() / kBlock, &at, &count);
      if (e == 0) e = io_channel_write_blk64(state_.fs->io, at, int(count), data.data());
      if (e == 0) e = add({at, first, uint32_t(count), 0});
      if (e != 0) return e;
      first += count;
      written_ += count;
      data.remove_prefix(count * kBlock);
    }
    return 0;
  }

  // What goes on where the last one ends is part of it.
  errcode_t add(ext2fs_extent next) {
    const bool goes_on = last_.e_lblk + last_.e_len == next.e_lblk &&
                         last_.e_pblk + last_.e_len == next.e_pblk &&
                         last_.e_len + next.e_len <= EXT_INIT_MAX_LEN;
    if (last_.e_len != 0 && goes_on) {
      last_.e_len += next.e_len;
      return 0;
    }
    const errcode_t e = finish();
    last_ = next;
    return e;
  }

  State& state_;
  ext2_extent_handle_t extents_ = nullptr;
  ext2fs_extent last_{};  // that is not in the tree yet
  blk64_t written_ = 0;
};

Result<void> DiskImage::State::write_content(const std::string& path, ext2_ino_t ino, uint64_t size,
                                             const ContentReader& read) {
  if (size == 0) return {};
  BlockWriter blocks(*this);
  errcode_t e = blocks.open(ino);
  if (e != 0) return failed(path, e);
  // Whole blocks: one that has nothing but zeros must be seen to be one.
  std::vector<char> buffer(size_t(std::min<uint64_t>(round_up(size), 1 << 20)));
  for (uint64_t at = 0; at < size;) {
    const size_t most = size_t(std::min<uint64_t>(buffer.size(), size - at));
    const auto have = fill(buffer.data(), at, most, read);
    if (!have) return fail(have.error());
    const size_t whole = size_t(round_up(*have));
    std::memset(buffer.data() + *have, 0, whole - *have);
    e = blocks.write(at / kBlock, {buffer.data(), whole});
    if (e != 0) return failed(path, e);
    at += *have;
    if (*have < most) break;
  }
  e = blocks.finish();
  ext2_inode_large inode{};
  auto* plain = reinterpret_cast<ext2_inode*>(&inode);
  if (e == 0) e = ext2fs_read_inode_full(fs.get(), ino, plain, sizeof inode);
  if (e == 0) e = ext2fs_iblk_add_blocks(fs.get(), plain, blocks.written());
  if (e == 0) e = ext2fs_inode_size_set(fs.get(), plain, ext2_off64_t(size));
  if (e == 0) e = ext2fs_write_inode_full(fs.get(), ino, plain, sizeof inode);
  if (e != 0) return failed(path, e);
  return {};
}

DiskImage::DiskImage(std::unique_ptr<State> state) : state_(std::move(state)) {}
DiskImage::DiskImage(DiskImage&&) noexcept = default;
DiskImage& DiskImage::operator=(DiskImage&&) noexcept = default;
DiskImage::~DiskImage() = default;

Result<void> reserve_disk(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd || ::ftruncate(fd.get(), off_t(kDiskSize)) != 0) return fail_errno("make " + path);
  return {};
}

Result<DiskImage> DiskImage::make(const std::string& path, uint64_t bytes,
                                  const std::string& label) {
  const uint64_t size = (bytes + bytes / 4 + kFree) / kBlock * kBlock;
  if (size > kDiskSize)
    return fail(Errc::kUnsupported,
                "the program's files are larger than the guest's disk can be (" +
                    std::to_string(kDiskSize >> 30) + " GiB)");
  const auto mke2fs = find_in_path("mke2fs");
  if (!mke2fs) return fail(Errc::kUnsupported, mke2fs.error().what + "; install e2fsprogs");
  if (auto ok = check_reserved(path); !ok) return fail(ok.error());
  // No journal: the disk does not outlive the run. Fixed identifiers: equal files, equal disks.
  constexpr char kUuid[] = "6670656d-7500-4000-8000-000000000001";
  auto made =
      run_command({*mke2fs,
                   "-q",
                   "-F",
                   "-t",
                   "ext4",
                   "-b",
                   std::to_string(kBlock),
                   "-I",
                   "256",
                   "-m",
                   "0",
                   "-U",
                   kUuid,
                   "-L",
                   label,
                   "-O",
                   "^has_journal,^metadata_csum,uninit_bg",
                   "-E",
                   std::string("lazy_itable_init=1,nodiscard,root_owner=0:0,hash_seed=") + kUuid,
                   path,
                   std::to_string(size / kBlock)});
  if (!made) return fail(made.error());
  auto state = std::make_unique<State>();
  state->path = path;
  ext2_filsys fs = nullptr;
  errcode_t e =
      ext2fs_open(path.c_str(), EXT2_FLAG_RW | EXT2_FLAG_64BITS, 0, 0, unix_io_manager, &fs);
  state->fs.reset(fs);
  if (e == 0) e = ext2fs_read_bitmaps(fs);
  if (e == 0) e = remove_lost_and_found(fs);
  if (e != 0) return state->failed(path, e);
  state->place_directories();
  return DiskImage(std::move(state));
}

Result<void> DiskImage::directory(const std::string& path, const FileMeta& meta) {
  if (path == "/") return state_->update(path, EXT2_ROOT_INO, meta);
  const auto [above, name] = split(path);
  const auto directory = state_->parent(above);
  if (!directory) return fail(directory.error());
  ext2_ino_t ino = state_->lookup(*directory, name);
  if (ino == 0) {
    const auto made = state_->new_inode(path, *directory, LINUX_S_IFDIR);
    if (!made) return fail(made.error());
    ino = *made;
    auto ok = state_->in_directory(path, *directory, [&, n = name] {
      state_->makes_directory = true;
      const errcode_t e = ext2fs_mkdir(state_->fs.get(), *directory, ino, n.c_str());
      state_->makes_directory = false;
      return e;
    });
    if (!ok) return ok;
  }
  return state_->update(path, ino, meta);
}

Result<void> DiskImage::file(const std::string& path, const FileMeta& meta, uint64_t size,
                             const ContentReader& read) {
  const auto [above, name] = split(path);
  const auto directory = state_->parent(above);
  if (!directory) return fail(directory.error());
  const auto ino = state_->new_inode(path, *directory, LINUX_S_IFREG);
  if (!ino) return fail(ino.error());
  if (auto ok = state_->make_empty_file(path, *ino); !ok) return ok;
  auto ok = state_->in_directory(path, *directory, [&, n = name] {
    return ext2fs_link(state_->fs.get(), *directory, n.c_str(), *ino, EXT2_FT_REG_FILE);
  });
  if (!ok) return ok;
  ok = state_->write_content(path, *ino, size, read);
  return ok ? state_->update(path, *ino, meta) : ok;
}

Result<void> DiskImage::symlink(const std::string& path, const FileMeta& meta,
                                const std::string& target) {
  const auto [above, name] = split(path);
  const auto directory = state_->parent(above);
  if (!directory) return fail(directory.error());
  const auto ino = state_->new_inode(path, *directory, LINUX_S_IFLNK);
  if (!ino) return fail(ino.error());
  auto ok = state_->in_directory(path, *directory, [&, n = name] {
    return ext2fs_symlink(state_->fs.get(), *directory, *ino, n.c_str(), target.c_str());
  });
  if (!ok) return ok;
  FileMeta all = meta;
  all.mode = 0777;
  return state_->update(path, *ino, all);
}

Result<void> DiskImage::hard_link(const std::string& path, const std::string& existing) {
  const auto [above, name] = split(path);
  const auto directory = state_->parent(above);
  if (!directory) return fail(directory.error());
  ext2_ino_t ino = 0;
  errcode_t e =
      ext2fs_namei(state_->fs.get(), EXT2_ROOT_INO, EXT2_ROOT_INO, existing.c_str(), &ino);
  if (e != 0) return state_->failed(existing, e);
  auto ok = state_->in_directory(path, *directory, [&, n = name] {
    return ext2fs_link(state_->fs.get(), *directory, n.c_str(), ino, EXT2_FT_REG_FILE);
  });
  if (!ok) return ok;
  ext2_inode_large inode{};
  auto* plain = reinterpret_cast<ext2_inode*>(&inode);
  e = ext2fs_read_inode_full(state_->fs.get(), ino, plain, sizeof inode);
  if (e == 0) {
    ++inode.i_links_count;
    e = ext2fs_write_inode_full(state_->fs.get(), ino, plain, sizeof inode);
  }
  if (e != 0) return state_->failed(path, e);
  return {};
}

bool DiskImage::exists(const std::string& path) const {
  if (path == "/") return true;
  const auto [above, name] = split(path);
  const auto directory = state_->parent(above);
  return directory && state_->lookup(*directory, name) != 0;
}

bool DiskImage::is_program(const std::string& path) const {
  ext2_ino_t ino = 0;
  ext2_inode inode{};
  ext2_filsys fs = state_->fs.get();
  return ext2fs_namei_follow(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, path.c_str(), &ino) == 0 &&
         ext2fs_read_inode(fs, ino, &inode) == 0 && LINUX_S_ISREG(inode.i_mode) &&
         (inode.i_mode & 0111) != 0;
}

Result<std::vector<DiskRange>> DiskImage::finish() {
  auto metadata = state_->metadata();
  ext2_filsys fs = state_->fs.release();
  const errcode_t e = ext2fs_close_free(&fs);
  if (e != 0) return state_->failed(state_->path, e);
  return metadata;
}

}  // namespace fptrace::emu
