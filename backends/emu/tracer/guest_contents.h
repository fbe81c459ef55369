#pragma once
#include "backends/emu/osi/guest_file_system.h"
#include "backends/emu/recording/disk_reader.h"
#include "common/content/content_source.h"

namespace fptrace::emu {

// Contents as a guest's kernel has them in memory. What it has not read, or has let go of, is taken
// from the disk that the guest began with, as long as size and time say that the file is still
// that one. Only while the guest stands still.
class GuestContents final : public ContentSource {
 public:
  // `disk` may be null: there is none.
  GuestContents(GuestFileSystem& fs, const DiskReader* disk) : fs_(fs), disk_(disk) {}

  bool leads_to(const std::string& path, const FileRef& file) override;
  std::unique_ptr<Held> hold(const std::string& path) override;
  std::optional<FileRef> regular_file(const std::string& path) override;
  std::optional<EventBody> hash(ContentStage stage, const FileRef& file, const std::string& reach,
                                const Held* held) override;

 private:
  Result<Sha256> digest(const std::string& path, const FileRef& file);

  Result<Sha256> digest_of_disk_file(const FileRef& file);

  GuestFileSystem& fs_;
  const DiskReader* disk_;
};

}  // namespace fptrace::emu
