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
  std::map<std::string, ext2_ino_t> directories{{"/", EXT2_ROOT_INO}};

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
      e = ext2fs_expand_dir(fs.get(), directory);
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
                             const ContentReader& read) {
    ext2_file_t file = nullptr;
    errcode_t e = ext2fs_file_open(fs.get(), ino, EXT2_FILE_WRITE, &file);
    if (e != 0) return failed(path, e);
    const std::unique_ptr<ext2_file, errcode_t (*)(ext2_file_t)> closer(file, ext2fs_file_close);
    std::vector<char> buffer(size_t(std::min<uint64_t>(size, 1 << 20)));
    for (uint64_t at = 0; at < size;) {
      // Whole blocks: one that has nothing but zeros must be seen to be one.
      size_t have = 0;
      const size_t most = size_t(std::min<uint64_t>(buffer.size(), size - at));
      while (have < most) {
        const auto n = read(at + have, buffer.data() + have, most - have);
        if (!n) return fail(n.error());
        if (*n == 0) break;
        have += *n;
      }
      if (have == 0) break;
      if (auto ok = write_at(path, file, at, {buffer.data(), have}); !ok) return ok;
      at += have;
      if (have < most) break;
    }
    e = ext2fs_file_set_size2(file, ext2_off64_t(size));
    if (e == 0) e = ext2fs_file_flush(file);
    if (e != 0) return failed(path, e);
    return {};
  }

  // Blocks of zeros are left out.
  Result<void> write_at(const std::string& path, ext2_file_t file, uint64_t at,
                        std::string_view data) {
    const auto is_zero = [](std::string_view s) {
      return s[0] == 0 && std::memcmp(s.data(), s.data() + 1, s.size() - 1) == 0;
    };
    while (!data.empty()) {
      size_t length = 0;
      const bool zero = is_zero(data.substr(0, kBlock));
      while (length < data.size() && is_zero(data.substr(length, kBlock)) == zero) length += kBlock;
      length = std::min(length, data.size());
      if (!zero) {
        unsigned written = 0;
        errcode_t e = ext2fs_file_llseek(file, at, EXT2_SEEK_SET, nullptr);
        if (e == 0) e = ext2fs_file_write(file, data.data(), unsigned(length), &written);
        if (e != 0) return failed(path, e);
      }
      at += length;
      data.remove_prefix(length);
    }
    return {};
  }
};

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
      return ext2fs_mkdir(state_->fs.get(), *directory, ino, n.c_str());
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

Result<void> DiskImage::finish() {
  ext2_filsys fs = state_->fs.release();
  const errcode_t e = ext2fs_close_free(&fs);
  if (e != 0) return state_->failed(state_->path, e);
  return {};
}

}  // namespace fptrace::emu
