#pragma once
#include <string>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace::emu {

// A new directory for nobody else, removed with all that is in it by the destructor. Those of
// processes that were killed are removed when the next one is made at the same place.
class PrivateDirectory {
 public:
  // Below `where`, which exists; names begin with ".fptrace-emu-".
  static Result<PrivateDirectory> make(const std::string& where);
  PrivateDirectory() = default;  // none
  PrivateDirectory(PrivateDirectory&& o) noexcept { swap(o); }
  PrivateDirectory& operator=(PrivateDirectory&& o) noexcept {
    swap(o);
    return *this;
  }
  ~PrivateDirectory();

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  // Somebody else takes care of it from now on, under another name.
  void release();

 private:
  void swap(PrivateDirectory& o) noexcept {
    path_.swap(o.path_);
    lock_.swap(o.lock_);
  }
  std::string path_;
  UniqueFd lock_;
};

// $TMPDIR, or /tmp.
std::string temporary_directory();
// Where a guest's memory of `bytes` goes: /dev/shm if it has room for that, else `otherwise`.
std::string memory_directory(uint64_t bytes, const std::string& otherwise);
// Fails, saying so, when `where` has less than `bytes` free.
Result<void> check_room(const std::string& where, uint64_t bytes);

}  // namespace fptrace::emu
