#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fingerprint/pack/command.h"
#include "fingerprint/pack/installable.h"
#include "fingerprint/pack/writer.h"

namespace fptrace::pack {

struct DebInfo {
  std::string name, version, maintainer;
  int64_t epoch = 0;
};

// Pure. Whether Debian's policy (5.6.1, 5.6.12) allows the name and the version.
Result<void> check_deb_info(const DebInfo& info);
// Pure. "ls" -> "fptrace-ls"; what cannot be in a package's name becomes a dash.
std::string deb_name(const std::string& program);
// Pure. The control file, deb-control(5). `size` is that of the contents, in bytes.
std::string deb_control(const DebInfo& info, const PackCommand& command, const Installable& what,
                        uint64_t size);
// Adds what policy 12.5 and 12.7 want every package to have, a copyright file and a changelog, with
// the directories above them. Keeps the order.
Result<void> add_deb_documents(const DebInfo& info, const PackCommand& command,
                               std::vector<PackEntry>& entries);

// Hands everything on to `next`, and notes the MD5 sum of every regular file by its path: what
// dpkg --verify compares with.
class Md5Writer : public Writer {
 public:
  explicit Md5Writer(Writer& next);
  ~Md5Writer() override;
  Result<void> begin(const PackEntry& entry) override;
  Result<void> data(std::string_view bytes) override;
  Result<void> hole(uint64_t length) override;
  Result<void> end() override;
  Result<void> finish() override { return next_.finish(); }
  const std::map<std::string, std::string>& sums() const { return sums_; }  // hex

 private:
  struct State;
  Writer& next_;
  std::unique_ptr<State> state_;
  std::map<std::string, std::string> sums_;
};

// The control member: control, conffiles, md5sums, as a compressed archive.
Result<std::string> deb_control_member(const std::string& control,
                                       const std::vector<PackEntry>& entries,
                                       const std::map<std::string, std::string>& md5sums,
                                       int64_t epoch);
// deb(5): the archive of the three members, written to `fd`. `data_fd` holds the data member.
Result<void> write_deb(int fd, const std::string& control_member, int data_fd, int64_t epoch);

}  // namespace fptrace::pack
