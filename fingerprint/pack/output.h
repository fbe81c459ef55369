#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace::pack {

// The place of the package: made under another name beside it and renamed when it is whole. What
// was not committed goes away with the object.
class Output {
 public:
  enum class Kind { kFile, kDirectory };

  // Fails when something stands there already, unless `force`; a directory is replaced only when it
  // is empty or has `mark` in it, so that a slip of the hand does not cost a home directory.
  static Result<Output> make(const std::string& path, Kind kind, bool force, std::string mark);
  Output(Output&& o) noexcept;
  Output& operator=(Output&&) = delete;
  ~Output();

  const std::string& draft() const { return draft_; }  // the path to write to
  int fd() const { return fd_.get(); }                 // kFile: open for writing
  Result<void> commit();

 private:
  Output() = default;
  Result<void> check_replaceable() const;

  std::string path_, draft_, mark_;
  Kind kind_ = Kind::kFile;
  bool force_ = false;
  UniqueFd fd_;
};

// Writes a file that is not there yet.
Result<void> write_new_file(const std::string& path, std::string_view content, unsigned mode);

}  // namespace fptrace::pack
