#include "backends/emu/image/initramfs.h"

#include <archive.h>
#include <archive_entry.h>

#include <cstdio>
#include <memory>

namespace fptrace::emu {
namespace {

class Cpio {
 public:
  Cpio() : out_(archive_write_new(), archive_write_free) {
    archive_write_set_format_cpio_newc(out_.get());
  }

  bool open(const std::string& path) {
    return archive_write_open_filename(out_.get(), path.c_str()) == ARCHIVE_OK;
  }
  bool directory(const char* name) { return header(name, AE_IFDIR, 0755, 0); }
  bool file(const std::string& name, unsigned mode, std::string_view content) {
    return header(name.c_str(), AE_IFREG, mode, content.size()) &&
           archive_write_data(out_.get(), content.data(), content.size()) ==
               la_ssize_t(content.size());
  }
  bool close() { return archive_write_close(out_.get()) == ARCHIVE_OK; }
  std::string error() const {
    const char* text = archive_error_string(out_.get());
    return text != nullptr ? text : "out of memory";
  }

 private:
  bool header(const char* name, unsigned type, unsigned mode, size_t size) {
    const std::unique_ptr<archive_entry, decltype(&archive_entry_free)> e(archive_entry_new(),
                                                                          archive_entry_free);
    archive_entry_set_pathname(e.get(), name);
    archive_entry_set_filetype(e.get(), type);
    archive_entry_set_perm(e.get(), __LA_MODE_T(mode));
    archive_entry_set_size(e.get(), la_int64_t(size));
    archive_entry_set_mtime(e.get(), 0, 0);
    archive_entry_set_nlink(e.get(), 1);
    return archive_write_header(out_.get(), e.get()) == ARCHIVE_OK;
  }
  std::unique_ptr<archive, decltype(&archive_write_free)> out_;
};

}  // namespace

Result<void> write_initramfs(const std::string& path, std::string_view init,
                             const std::vector<Module>& modules) {
  Cpio cpio;
  bool ok = cpio.open(path);
  for (const char* name : {"dev", "proc", "sys", "modules"}) ok = ok && cpio.directory(name);
  ok = ok && cpio.file("init", 0755, init);
  std::string order;
  for (const auto& m : modules) {
    ok = ok && cpio.file("modules/" + m.name + ".ko", 0644, m.bytes);
    order += m.name + ".ko\n";
  }
  ok = ok && cpio.file("modules/order", 0644, order) && cpio.close();
  if (!ok) return fail(Errc::kIo, "write " + path + ": " + cpio.error());
  return {};
}

}  // namespace fptrace::emu
