#pragma once
#include <map>
#include <optional>
#include <string>

#include "common/analysis/libraries.h"
#include "common/elf/elf_identity.h"

namespace fptrace {

// Files of a trace as they lie on this machine now, after it. Only a file that is still the one
// that was traced is read: the same device and inode (on this host), size and mtime. A guest's
// kernel numbers files in its own way: of those, size and mtime alone.
class HostFiles : public LinkSource {
 public:
  // `root` as in ManifestOptions.
  explicit HostFiles(std::string root, bool read_elf = true, bool of_a_guest = false)
      : root_(std::move(root)), read_elf_(read_elf), of_a_guest_(of_a_guest) {}

  // nullptr: not ELF, not readable, or not the same file any more. Read once per file; the
  // pointer stays valid as long as this object.
  const ElfIdentity* elf(const FileRef& file);
  std::optional<LinkInfo> link_info(const FileRef& file) override;
  std::optional<std::string> text(const FileRef& file) override;
  std::string real_path(const std::string& path) override;

 private:
  struct Entry {
    bool readable = false;
    std::optional<ElfIdentity> elf;
  };
  const Entry& entry(const FileRef& file);

  std::string root_;
  bool read_elf_, of_a_guest_;
  std::map<std::pair<FileId, std::string>, Entry> entries_;
};

}  // namespace fptrace
