#include "fingerprint/pack/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/base/text.h"

namespace fptrace::pack {
namespace {

using Archive = std::unique_ptr<archive, int (*)(archive*)>;
using Entry = std::unique_ptr<archive_entry, void (*)(archive_entry*)>;

constexpr int kBlock = 64 * 1024;  // handed to the sink at once

class TarWriter : public Writer {
 public:
  TarWriter(std::string prefix, ByteSink& sink)
      : prefix_(std::move(prefix)),
        sink_(sink),
        archive_(archive_write_new(), &archive_write_free) {}
  ~TarWriter() override {
    // Freeing an open archive would write its end.
    if (archive_ && !finished_) archive_write_fail(archive_.get());
  }

  Result<void> open() {
    archive* a = archive_.get();
    if (a == nullptr || archive_write_set_format_pax_restricted(a) != ARCHIVE_OK ||
        archive_write_set_options(a, "xattrheader=SCHILY") != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(a, kBlock) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(a, 512) != ARCHIVE_OK ||
        archive_write_open2(a, this, nullptr, &TarWriter::on_write, nullptr, nullptr) != ARCHIVE_OK)
      return failed("make an archive");
    return {};
  }

  Result<void> begin(const PackEntry& e) override {
    if (e.path == "/" && prefix_.empty()) return {};
    const Entry entry = describe(e);
    const int code = archive_write_header(archive_.get(), entry.get());
    // A name that is not UTF-8 is written as it is, and libarchive warns of it.
    if (code == ARCHIVE_OK || code == ARCHIVE_WARN) return {};
    return failed("pack " + printable(e.path));
  }

  Result<void> data(std::string_view bytes) override {
    while (!bytes.empty()) {
      const la_ssize_t n = archive_write_data(archive_.get(), bytes.data(), bytes.size());
      if (n <= 0) return failed("write the archive");
      bytes.remove_prefix(size_t(n));
    }
    return {};
  }

  Result<void> hole(uint64_t length) override {
    // It drops what the entry's map says is a hole.
    static const std::string kZeros(kBlock, '\0');
    for (; length > 0; length -= std::min<uint64_t>(length, kZeros.size())) {
      const auto n = size_t(std::min<uint64_t>(length, kZeros.size()));
      if (auto ok = data({kZeros.data(), n}); !ok) return ok;
    }
    return {};
  }

  Result<void> end() override {
    if (archive_write_finish_entry(archive_.get()) < ARCHIVE_WARN)
      return failed("write the archive");
    return {};
  }

  Result<void> finish() override {
    finished_ = true;
    if (archive_write_close(archive_.get()) != ARCHIVE_OK) return failed("write the archive");
    return sink_.finish();
  }

 private:
  static la_ssize_t on_write(archive*, void* self, const void* bytes, size_t size) {
    auto* w = static_cast<TarWriter*>(self);
    w->sink_result_ = w->sink_.write({static_cast<const char*>(bytes), size});
    return w->sink_result_ ? la_ssize_t(size) : -1;
  }

  tl::unexpected<Error> failed(const std::string& what) const {
    if (!sink_result_) return fail(sink_result_.error());
    const char* text = archive_ ? archive_error_string(archive_.get()) : "out of memory";
    return fail(Errc::kIo, what + ": " + (text != nullptr ? text : "libarchive fails"));
  }

  std::string name(const std::string& path) const {
    const std::string n = prefix_ + path.substr(1);
    return n.size() > 1 && n.ends_with('/') ? n.substr(0, n.size() - 1) : n;
  }

  Entry describe(const PackEntry& e) const {
    Entry entry(archive_entry_new(), &archive_entry_free);
    archive_entry* a = entry.get();
    // Given as UTF-8 where it is, so that the locale of the process does not matter.
    const auto set = [a](const std::string& text, auto as_utf8, auto as_bytes) {
      if (is_utf8(text))
        as_utf8(a, text.c_str());
      else
        as_bytes(a, text.c_str());
    };
    set(name(e.path), archive_entry_update_pathname_utf8, archive_entry_set_pathname);
    archive_entry_set_perm(a, e.mode);
    archive_entry_set_uid(a, e.uid);
    archive_entry_set_gid(a, e.gid);
    archive_entry_set_mtime(a, e.mtime, 0);
    for (const auto& [key, value] : e.xattrs)
      archive_entry_xattr_add_entry(a, key.c_str(), value.data(), value.size());
    if (!e.hard_link.empty()) {
      archive_entry_set_filetype(a, AE_IFREG);
      set(name(e.hard_link), archive_entry_update_hardlink_utf8, archive_entry_set_hardlink);
      archive_entry_set_size(a, 0);
    } else if (e.type == FileType::kDirectory) {
      archive_entry_set_filetype(a, AE_IFDIR);
    } else if (e.type == FileType::kSymlink) {
      archive_entry_set_filetype(a, AE_IFLNK);
      set(e.target, archive_entry_update_symlink_utf8, archive_entry_set_symlink);
    } else {
      archive_entry_set_filetype(a, AE_IFREG);
      archive_entry_set_size(a, la_int64_t(e.size));
      if (e.extents) add_extents(a, e);
    }
    return entry;
  }

  static void add_extents(archive_entry* a, const PackEntry& e) {
    for (const Extent& part : *e.extents)
      archive_entry_sparse_add_entry(a, la_int64_t(part.offset), la_int64_t(part.length));
    // A file without any data is one hole, which an empty map would not say.
    if (e.extents->empty() && e.size > 0) archive_entry_sparse_add_entry(a, la_int64_t(e.size), 0);
  }

  std::string prefix_;
  ByteSink& sink_;
  Archive archive_;
  Result<void> sink_result_;
  bool finished_ = false;
};

}  // namespace

Result<std::unique_ptr<Writer>> make_tar_writer(std::string prefix, ByteSink& sink) {
  auto writer = std::make_unique<TarWriter>(std::move(prefix), sink);
  if (auto ok = writer->open(); !ok) return fail(ok.error());
  return writer;
}

}  // namespace fptrace::pack
