#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "fingerprint/pack/deb.h"
#include "fingerprint/pack/sink.h"
#include "fingerprint/pack/tar_writer.h"

namespace fptrace::pack {
namespace {

using Context = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

Result<void> add_text(Writer& tar, const std::string& path, const std::string& text,
                      int64_t epoch) {
  if (text.empty()) return {};
  PackEntry e;
  e.path = path;
  e.size = text.size();
  e.mtime = epoch;
  if (auto ok = tar.begin(e); !ok) return ok;
  if (auto ok = tar.data(text); !ok) return ok;
  return tar.end();
}

// The ar archive of a package.
class Members {
 public:
  explicit Members(int fd, int64_t epoch)
      : archive_(archive_write_new(), &archive_write_free), epoch_(epoch) {
    archive_write_set_format_ar_bsd(archive_.get());
    archive_write_set_bytes_in_last_block(archive_.get(), 1);
    open_ = archive_write_open_fd(archive_.get(), fd) == ARCHIVE_OK;
  }
  Result<void> begin(const char* name, uint64_t size) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                         &archive_entry_free);
    archive_entry_set_pathname(entry.get(), name);
    archive_entry_set_mode(entry.get(), S_IFREG | 0644);
    archive_entry_set_size(entry.get(), la_int64_t(size));
    archive_entry_set_mtime(entry.get(), epoch_, 0);
    if (!open_ || archive_write_header(archive_.get(), entry.get()) != ARCHIVE_OK) return failed();
    return {};
  }
  Result<void> data(std::string_view bytes) {
    const la_ssize_t n = archive_write_data(archive_.get(), bytes.data(), bytes.size());
    if (n != la_ssize_t(bytes.size())) return failed();
    return {};
  }
  Result<void> finish() {
    if (archive_write_close(archive_.get()) != ARCHIVE_OK) return failed();
    return {};
  }

 private:
  tl::unexpected<Error> failed() const {
    const char* text = archive_error_string(archive_.get());
    return fail(Errc::kIo, std::string("write the package: ") + (text != nullptr ? text : "fails"));
  }
  std::unique_ptr<archive, int (*)(archive*)> archive_;
  int64_t epoch_;
  bool open_ = false;
};

}  // namespace

struct Md5Writer::State {
  Context context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  std::string path;  // of the file being written; empty: none that has a sum
};

Md5Writer::Md5Writer(Writer& next) : next_(next), state_(std::make_unique<State>()) {}
Md5Writer::~Md5Writer() = default;

Result<void> Md5Writer::begin(const PackEntry& e) {
  state_->path = e.type == FileType::kRegular && e.hard_link.empty() ? e.path : "";
  if (!state_->context || EVP_DigestInit_ex(state_->context.get(), EVP_md5(), nullptr) != 1)
    return fail(Errc::kUnsupported, "OpenSSL computes no MD5 sums, which a Debian package needs");
  return next_.begin(e);
}

Result<void> Md5Writer::data(std::string_view bytes) {
  EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
  return next_.data(bytes);
}

Result<void> Md5Writer::hole(uint64_t length) {
  static constexpr std::array<char, 65536> kZeros{};
  for (uint64_t left = length; left > 0; left -= std::min<uint64_t>(left, kZeros.size()))
    EVP_DigestUpdate(state_->context.get(), kZeros.data(),
                     size_t(std::min<uint64_t>(left, kZeros.size())));
  return next_.hole(length);
}

Result<void> Md5Writer::end() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context.get(), digest.data(), &size);
  if (!state_->path.empty()) {
    std::string& text = sums_[state_->path];
    for (unsigned i = 0; i < size; ++i) {
      std::array<char, 3> hex{};
      std::snprintf(hex.data(), hex.size(), "%02x", digest[i]);
      text += hex.data();
    }
  }
  return next_.end();
}

Result<std::string> deb_control_member(const std::string& control,
                                       const std::vector<PackEntry>& entries,
                                       const std::map<std::string, std::string>& md5sums,
                                       int64_t epoch) {
  std::string conffiles, sums;
  for (const PackEntry& e : entries) {
    const bool file = e.type == FileType::kRegular;
    // Both lists are of lines.
    if (!file || e.path.find('\n') != e.path.npos) continue;
    if (e.path.starts_with("/etc/"))
      conffiles += e.path + "\n";
    else if (const auto sum = md5sums.find(e.path); sum != md5sums.end())
      sums += sum->second + "  " + e.path.substr(1) + "\n";
  }
  StringSink packed;
  auto gzip = make_compressor(Compression::kGzip, packed);
  if (!gzip) return fail(gzip.error());
  auto tar = make_tar_writer("./", **gzip);
  if (!tar) return fail(tar.error());
  PackEntry root;
  root.path = "/";
  root.type = FileType::kDirectory;
  root.mode = 0755;
  root.mtime = epoch;
  if (auto ok = (*tar)->begin(root); !ok) return fail(ok.error());
  if (auto ok = (*tar)->end(); !ok) return fail(ok.error());
  for (const auto& [path, text] :
       {std::pair<std::string, const std::string&>{"/conffiles", conffiles},
        {"/control", control},
        {"/md5sums", sums}})
    if (auto ok = add_text(**tar, path, text, epoch); !ok) return fail(ok.error());
  if (auto ok = (*tar)->finish(); !ok) return fail(ok.error());
  return packed.text();
}

Result<void> write_deb(int fd, const std::string& control_member, int data_fd, int64_t epoch) {
  struct stat st {};
  if (::fstat(data_fd, &st) != 0) return fail_errno("write the package");
  Members members(fd, epoch);
  const std::string version = "2.0\n";
  for (const auto& [name, text] :
       {std::pair<const char*, const std::string&>{"debian-binary", version},
        {"control.tar.gz", control_member}}) {
    if (auto ok = members.begin(name, text.size()); !ok) return ok;
    if (auto ok = members.data(text); !ok) return ok;
  }
  if (auto ok = members.begin("data.tar.gz", uint64_t(st.st_size)); !ok) return ok;
  std::string block(size_t{256} << 10, '\0');
  for (off_t at = 0; at < st.st_size;) {
    const ssize_t n = ::pread(data_fd, block.data(), block.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail_errno("write the package");
    if (auto ok = members.data({block.data(), size_t(n)}); !ok) return ok;
    at += n;
  }
  return members.finish();
}

}  // namespace fptrace::pack
