#pragma once
#include "backends/emu/osi/guest_file_system.h"
#include "common/content/content_source.h"

namespace fptrace::emu {

// Contents as a guest's kernel has them in memory. What it has not read, or has let go of, is taken
// from the host's file of the same name, size and time: programs and their files were packed from
// there. Only while the guest stands still.
class GuestContents final : public ContentSource {
 public:
  explicit GuestContents(GuestFileSystem& fs) : fs_(fs) {}

  bool leads_to(const std::string& path, const FileRef& file) override;
  std::unique_ptr<Held> hold(const std::string& path) override;
  std::optional<FileRef> regular_file(const std::string& path) override;
  std::optional<EventBody> hash(ContentStage stage, const FileRef& file, const std::string& reach,
                                const Held* held) override;

 private:
  Result<Sha256> digest(const std::string& path, const FileRef& file);

  GuestFileSystem& fs_;
};

}  // namespace fptrace::emu
