#include "backends/emu/recording/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "backends/emu/image/image.h"
#include "backends/emu/recording/sparse_file.h"
#include "common/base/text.h"
#include "common/base/unique_fd.h"
#include "common/content/sha256.h"

namespace fptrace::emu {
namespace {

using nlohmann::json;

constexpr char kMagic[] = "FPTRREC2";  // the last one is the format's version
constexpr size_t kMagicSize = 8;
constexpr size_t kPreamble = kMagicSize + 8 + 32;  // magic, header's length and hash
constexpr uint64_t kMaxLog = uint64_t{64} << 30;
constexpr char kNotOne[] = "is no recording of fptrace";
constexpr char kOther[] = "was recorded with another version of fptrace; record the program again";
constexpr char kCut[] = "is cut short; record the program again";
constexpr char kDamaged[] = "is damaged; record the program again";

json part_json(const BundlePart& p) {
  return {{"offset", p.offset}, {"packed", p.packed}, {"size", p.size}, {"sha256", p.sha256}};
}

BundlePart part_of(const json& j) {
  return {j.at("offset").get<uint64_t>(), j.at("packed").get<uint64_t>(),
          j.at("size").get<uint64_t>(), j.at("sha256").get<std::string>()};
}

// Arguments are bytes, JSON is UTF-8.
json bytes_json(const std::vector<std::string>& all) {
  json j = json::array();
  for (const auto& s : all) j.push_back(to_base64(s));
  return j;
}

std::string bytes_of(const json& j) {
  auto bytes = from_base64(j.get<std::string>());
  if (!bytes) throw json::other_error::create(501, "not base64", nullptr);
  return *std::move(bytes);
}

std::string number(uint64_t n) { return {reinterpret_cast<const char*>(&n), sizeof n}; }

Result<void> write_all(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write");
    data.remove_prefix(size_t(n));
  }
  return {};
}

uint64_t size_of(int fd) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 ? uint64_t(st.st_size) : 0;
}

// The compressed file at the end of `out`.
Result<BundlePart> append_part(int out, const std::string& path, uint64_t offset) {
  const UniqueFd in(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in) return fail_errno("open " + path);
  BundlePart part;
  part.offset = offset;
  part.size = size_of(in.get());
  Sha256Stream hasher;
  auto ok = pack_sparse(in.get(), [&](std::string_view bytes) {
    hasher.add(bytes);
    part.packed += bytes.size();
    return write_all(out, bytes);
  });
  if (!ok) return fail(ok.error());
  const auto hash = hasher.finish();
  if (!hash) return fail(hash.error());
  part.sha256 = to_hex(*hash);
  return part;
}

Result<void> copy_to(int out, int in) {
  char buffer[64 << 10];
  if (::lseek(in, 0, SEEK_SET) < 0) return fail_errno("seek");
  for (;;) {
    const ssize_t n = ::read(in, buffer, sizeof buffer);
    if (n < 0) return fail_errno("read");
    if (n == 0) return {};
    if (auto ok = write_all(out, {buffer, size_t(n)}); !ok) return ok;
  }
}

// A file beside `path` that becomes it, or vanishes.
class NewFile {
 public:
  explicit NewFile(const std::string& path) : path_(path), temporary_(path + ".XXXXXX") {
    fd_ = UniqueFd(::mkostemp(temporary_.data(), O_CLOEXEC));
  }
  ~NewFile() {
    if (fd_) ::unlink(temporary_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  int fd() const { return fd_.get(); }
  Result<void> commit() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    if (::fchmod(fd(), 0666 & ~mask) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0)
      return fail_errno("rename to " + path_);
    fd_ = UniqueFd();
    return {};
  }

 private:
  std::string path_, temporary_;
  UniqueFd fd_;
};

// Its header names the parts' sizes, so they come first, in a file without a name.
Result<void> assemble(int out, BundleHeader& header, const std::string& log,
                      const std::string& disk, const std::string& where) {
  const UniqueFd parts(::open(where.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
  if (!parts) return fail_errno("make a file in " + where);
  auto part = append_part(parts.get(), log, 0);
  if (!part) return fail(part.error());
  header.log = *part;
  part = append_part(parts.get(), disk, header.log.packed);
  if (!part) return fail(part.error());
  header.disk = *part;
  const std::string text = to_json(header);
  const auto hash = sha256_of(text);
  if (!hash) return fail(hash.error());
  std::string head(kMagic, kMagicSize);
  head += number(text.size());
  head.append(reinterpret_cast<const char*>(hash->data()), hash->size());
  if (auto ok = write_all(out, head + text); !ok) return ok;
  return copy_to(out, parts.get());
}

Result<void> check_part(int fd, uint64_t base, const BundlePart& part) {
  Sha256Stream hasher;
  std::vector<char> buffer(1 << 20);
  for (uint64_t at = 0; at < part.packed;) {
    const size_t want = size_t(std::min<uint64_t>(buffer.size(), part.packed - at));
    const ssize_t n = ::pread(fd, buffer.data(), want, off_t(base + part.offset + at));
    if (n <= 0) return fail(Errc::kParse, kCut);
    hasher.add({buffer.data(), size_t(n)});
    at += uint64_t(n);
  }
  const auto hash = hasher.finish();
  if (!hash) return fail(hash.error());
  if (to_hex(*hash) != part.sha256) return fail(Errc::kParse, kDamaged);
  return {};
}

Result<void> unpack_part(int fd, uint64_t base, const BundlePart& part, const std::string& path) {
  const UniqueFd out(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out) return fail_errno("make " + path);
  uint64_t at = 0;
  const ByteSource source = [&](char* buffer, size_t size) {
    const size_t want = size_t(std::min<uint64_t>(size, part.packed - at));
    const ssize_t n = ::pread(fd, buffer, want, off_t(base + part.offset + at));
    if (n < 0) return Result<size_t>(fail_errno("read"));
    at += uint64_t(n);
    return Result<size_t>(size_t(n));
  };
  return unpack_sparse(source, out.get(), part.size);
}

}  // namespace

std::string to_json(const BundleHeader& h) {
  const json j{{"qemu", h.qemu},
               {"machine",
                {{"cpu", h.machine.cpu},
                 {"memory_mib", h.machine.memory_mib},
                 {"icount_shift", h.machine.icount_shift}}},
               {"image", h.image},
               {"state", h.state},
               {"kernel", h.kernel},
               {"argv", bytes_json(h.argv)},
               {"cwd", to_base64(h.cwd)},
               {"exit", {{"code", h.exit.code}, {"signal", h.exit.signal}}},
               {"first_instruction", h.first_instruction},
               {"instructions", h.instructions},
               {"output_bytes", h.output_bytes},
               {"guest_sha256", h.guest_sha256},
               {"log", part_json(h.log)},
               {"disk", part_json(h.disk)}};
  return j.dump(1, ' ', false, json::error_handler_t::replace);
}

Result<BundleHeader> parse_bundle_header(std::string_view text) {
  const json j = json::parse(text, nullptr, false);
  try {
    BundleHeader h;
    h.qemu = j.at("qemu").get<std::string>();
    const json& machine = j.at("machine");
    h.machine.cpu = machine.at("cpu").get<std::string>();
    h.machine.memory_mib = machine.at("memory_mib").get<uint32_t>();
    h.machine.icount_shift = machine.at("icount_shift").get<uint32_t>();
    h.image = j.at("image").get<std::string>();
    h.state = j.at("state").get<std::string>();
    h.kernel = j.at("kernel").get<std::string>();
    for (const auto& a : j.at("argv")) h.argv.push_back(bytes_of(a));
    h.cwd = bytes_of(j.at("cwd"));
    h.exit.code = j.at("exit").at("code").get<int>();
    h.exit.signal = j.at("exit").at("signal").get<int>();
    h.first_instruction = j.at("first_instruction").get<uint64_t>();
    h.instructions = j.at("instructions").get<uint64_t>();
    h.output_bytes = j.at("output_bytes").get<uint64_t>();
    h.guest_sha256 = j.at("guest_sha256").get<std::string>();
    h.log = part_of(j.at("log"));
    h.disk = part_of(j.at("disk"));
    if (auto ok = check(h.machine); !ok) return fail(ok.error());
    return h;
  } catch (const json::exception&) { return fail(Errc::kParse, kDamaged); }
}

Result<BundleIndex> parse_bundle(std::string_view head, uint64_t file_size) {
  const std::string_view magic(kMagic, kMagicSize);
  if (!head.starts_with(magic.substr(0, kMagicSize - 1))) return fail(Errc::kParse, kNotOne);
  if (head.size() >= kMagicSize && !head.starts_with(magic)) return fail(Errc::kParse, kOther);
  if (head.size() < kPreamble) return fail(Errc::kParse, kCut);
  uint64_t length = 0;
  std::memcpy(&length, head.data() + kMagicSize, sizeof length);
  if (length > kMaxBundleHeader - kPreamble) return fail(Errc::kParse, kDamaged);
  if (length > head.size() - kPreamble) return fail(Errc::kParse, kCut);
  const std::string_view text = head.substr(kPreamble, size_t(length));
  const auto hash = sha256_of(text);
  if (!hash) return fail(hash.error());
  if (std::memcmp(hash->data(), head.data() + kMagicSize + 8, hash->size()) != 0)
    return fail(Errc::kParse, kDamaged);
  auto header = parse_bundle_header(text);
  if (!header) return fail(header.error());
  BundleIndex index{*std::move(header), kPreamble + length};
  const uint64_t left = file_size - std::min(index.parts, file_size);
  for (const auto* part : {&index.header.log, &index.header.disk})
    if (part->offset > left || part->packed > left - part->offset) return fail(Errc::kParse, kCut);
  if (index.header.disk.size > kDiskSize || index.header.log.size > kMaxLog)
    return fail(Errc::kParse, kDamaged);
  return index;
}

Result<void> write_bundle(const std::string& path, BundleHeader header, const std::string& log,
                          const std::string& disk) {
  const auto failed = [&](const Error& e) { return fail(e.code, path + ": " + e.what, e.sys); };
  NewFile file(path);
  if (file.fd() < 0) return fail_errno("write " + path);
  const size_t slash = path.rfind('/');
  const std::string where = slash == path.npos ? "." : path.substr(0, slash + 1);
  if (auto ok = assemble(file.fd(), header, log, disk, where); !ok) return failed(ok.error());
  return file.commit();
}

bool is_bundle(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, kMagicSize> head{};
  return file.read(head.data(), head.size()) &&
         std::string_view(head.data(), head.size()) == std::string_view(kMagic, kMagicSize);
}

Result<BundleIndex> read_bundle(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  const auto failed = [&](const Error& e) {
    return fail(
        e.code,
        path + (e.what.starts_with("is ") || e.what.starts_with("was ") ? " " : ": ") + e.what,
        e.sys);
  };
  const uint64_t size = size_of(fd.get());
  std::string head(size_t(std::min<uint64_t>(size, kMaxBundleHeader)), '\0');
  const ssize_t n = ::pread(fd.get(), head.data(), head.size(), 0);
  if (n < 0) return fail_errno("read " + path);
  head.resize(size_t(n));
  auto index = parse_bundle(head, size);
  if (!index) return failed(index.error());
  for (const auto* part : {&index->header.log, &index->header.disk})
    if (auto ok = check_part(fd.get(), index->parts, *part); !ok) return failed(ok.error());
  return index;
}

Result<void> unpack_bundle(const std::string& path, const BundleIndex& index,
                           const std::string& log, const std::string& disk) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  if (auto ok = unpack_part(fd.get(), index.parts, index.header.log, log); !ok) return ok;
  return unpack_part(fd.get(), index.parts, index.header.disk, disk);
}

}  // namespace fptrace::emu
