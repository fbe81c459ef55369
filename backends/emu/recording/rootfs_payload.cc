#include "backends/emu/recording/rootfs_payload.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "backends/emu/recording/collection.h"
#include "backends/emu/recording/disk_image.h"
#include "backends/emu/recording/payload.h"
#include "common/path/program_search.h"

namespace fptrace::emu {
namespace {

using Archive = std::unique_ptr<archive, decltype(&archive_read_free)>;

Error archive_error(archive* in, const std::string& rootfs) {
  const char* why = archive_error_string(in);
  return {Errc::kIo, "read " + rootfs + ": " + (why != nullptr ? why : "it is damaged"), 0};
}

Result<Archive> open_rootfs(const std::string& rootfs) {
  struct stat st {};
  if (::stat(rootfs.c_str(), &st) != 0) return fail_errno("open " + rootfs);
  const bool directory = S_ISDIR(st.st_mode);
  Archive in(directory ? archive_read_disk_new() : archive_read_new(), archive_read_free);
  if (directory) {
    archive_read_disk_set_symlink_physical(in.get());
    if (archive_read_disk_open(in.get(), rootfs.c_str()) != ARCHIVE_OK)
      return fail(archive_error(in.get(), rootfs));
    return in;
  }
  archive_read_support_filter_all(in.get());
  archive_read_support_format_tar(in.get());
  archive_read_support_format_cpio(in.get());
  if (archive_read_open_filename(in.get(), rootfs.c_str(), 128 << 10) != ARCHIVE_OK)
    return fail(archive_error(in.get(), rootfs));
  return in;
}

// "./usr/bin/sh" and "ROOTFS/usr/bin/sh" -> "/usr/bin/sh"; nullopt for what leads out of the root.
std::optional<std::string> path_in_root(std::string name, const std::string& rootfs) {
  if (name.starts_with(rootfs)) name.erase(0, rootfs.size());
  std::string path;
  for (const auto& part : names_of(name)) {
    if (part == "..") return std::nullopt;
    path += "/" + part;
  }
  return path.empty() ? "/" : path;
}

FileMeta meta_of(archive_entry* e) {
  FileMeta meta{uint32_t(archive_entry_perm(e)),       uint32_t(archive_entry_uid(e)),
                uint32_t(archive_entry_gid(e)),        archive_entry_mtime(e),
                uint32_t(archive_entry_mtime_nsec(e)), {}};
  archive_entry_xattr_reset(e);
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK)
    if (std::string_view(name) == "security.capability")
      meta.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  return meta;
}

class RootfsWriter {
 public:
  RootfsWriter(DiskImage& disk, std::string rootfs) : disk_(disk), rootfs_(std::move(rootfs)) {}

  Result<void> add(archive* in, archive_entry* e) {
    const char* name = archive_entry_pathname(e);
    const auto path = name != nullptr ? path_in_root(name, rootfs_) : std::nullopt;
    if (!path || is_mounted_in_guest(*path)) return {};
    const FileMeta meta = meta_of(e);
    if (auto ok = add_parents(*path); !ok) return ok;
    const auto type = archive_entry_filetype(e);
    if (type == AE_IFDIR) return disk_.directory(*path, meta);
    if (disk_.exists(*path)) return {};
    if (const char* link = archive_entry_hardlink(e))
      if (const auto target = path_in_root(link, rootfs_)) return disk_.hard_link(*path, *target);
    if (type == AE_IFLNK) {
      const char* target = archive_entry_symlink(e);
      return disk_.symlink(*path, meta, target != nullptr ? target : "");
    }
    if (type != AE_IFREG) return {};
    const uint64_t size = uint64_t(archive_entry_size(e));
    return disk_.file(*path, meta, size, [&](uint64_t, char* out, size_t most) {
      const la_ssize_t n = archive_read_data(in, out, most);
      if (n < 0) return Result<size_t>(fail(archive_error(in, rootfs_)));
      return Result<size_t>(size_t(n));
    });
  }

 private:
  // Archives need not list them.
  Result<void> add_parents(const std::string& path) {
    for (size_t at = path.find('/', 1); at != path.npos; at = path.find('/', at + 1)) {
      const std::string directory = path.substr(0, at);
      if (disk_.exists(directory)) continue;
      if (auto ok = disk_.directory(directory, {0755, 0, 0, 0, 0, {}}); !ok) return ok;
    }
    return {};
  }

  DiskImage& disk_;
  std::string rootfs_;
};

Result<void> copy_rootfs(DiskImage& disk, const std::string& rootfs) {
  auto in = open_rootfs(rootfs);
  if (!in) return fail(in.error());
  RootfsWriter writer(disk, rootfs);
  struct stat st {};
  const bool directory = ::stat(rootfs.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
  archive_entry* e = nullptr;
  int got;
  while ((got = archive_read_next_header(in->get(), &e)) == ARCHIVE_OK || got == ARCHIVE_WARN) {
    if (auto ok = writer.add(in->get(), e); !ok) return ok;
    if (directory && archive_read_disk_can_descend(in->get()) > 0)
      archive_read_disk_descend(in->get());
  }
  if (got != ARCHIVE_EOF) return fail(archive_error(in->get(), rootfs));
  for (const char* path : kMountPoints)
    if (auto ok = disk.directory(path, {0755, 0, 0, 0, 0, {}}); !ok) return ok;
  return {};
}

}  // namespace

Result<RootfsPayload> write_rootfs_payload(const std::string& path, const std::string& rootfs,
                                           const std::string& program, const std::string& search) {
  struct stat st {};
  if (::stat(rootfs.c_str(), &st) != 0) return fail_errno("open " + rootfs);
  constexpr uint64_t kUsual = uint64_t{4} << 30;  // of a directory nobody knows, short of a walk
  auto disk = DiskImage::make(path, std::max(kUsual, uint64_t(st.st_size) * 4));
  if (!disk) return fail(disk.error());
  if (auto ok = copy_rootfs(*disk, rootfs); !ok) return fail(ok.error());
  FoundProgram found = search_program(program, search, [&](const std::string& candidate) {
    return disk->is_program(candidate) ? 0 : ENOENT;
  });
  auto metadata = disk->finish();
  if (!metadata) return fail(metadata.error());
  if (found.error != 0) return program_not_found(program, found.error);
  return RootfsPayload{std::move(found.path), *std::move(metadata)};
}

}  // namespace fptrace::emu
