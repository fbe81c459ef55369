#include "backends/emu/osi/guest_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace fptrace::emu {
namespace {

// Intel SDM volume 3, "4-level paging and 5-level paging".
constexpr uint64_t kPresent = 1, kLarge = 1 << 7;
constexpr uint64_t kAddressMask = 0x000f'ffff'ffff'f000;
constexpr unsigned kPageBits = 12, kIndexBits = 9;

// Whether all bits above the highest translated one are copies of it.
bool is_canonical(uint64_t vaddr, unsigned bits) {
  const auto top = int64_t(vaddr) >> (bits - 1);
  return top == 0 || top == -1;
}

uint64_t low_bits(uint64_t value, unsigned bits) { return value & ((uint64_t{1} << bits) - 1); }

}  // namespace

Result<GuestMemory> GuestMemory::open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open guest memory " + path);
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return fail_errno("size of guest memory " + path);
  if (st.st_size <= 0) return fail(Errc::kBackend, "guest memory " + path + " is empty");
  const auto size = size_t(st.st_size);
  void* map = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (map == MAP_FAILED) return fail_errno("map guest memory " + path);
  return GuestMemory({static_cast<const std::byte*>(map), size}, size_t(pc_low_size(size)),
                     std::move(fd));
}

GuestMemory GuestMemory::over(std::span<const std::byte> bytes, uint64_t low_size) {
  return {bytes, size_t(std::min<uint64_t>(low_size, bytes.size())), UniqueFd()};
}

GuestMemory::GuestMemory(GuestMemory&& other) noexcept
    : bytes_(std::exchange(other.bytes_, {})),
      low_size_(std::exchange(other.low_size_, 0)),
      file_(std::move(other.file_)) {}

GuestMemory& GuestMemory::operator=(GuestMemory&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(low_size_, other.low_size_);
  file_.swap(other.file_);
  return *this;
}

GuestMemory::~GuestMemory() {
  if (file_) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

std::vector<std::span<const std::byte>> GuestMemory::written() const {
  if (!file_) return {bytes_};
  std::vector<std::span<const std::byte>> found;
  for (size_t at = 0; at < bytes_.size();) {
    const off_t begin = ::lseek(file_.get(), off_t(at), SEEK_DATA);
    if (begin < 0 && errno == ENXIO) break;  // nothing but a hole behind it
    const off_t end = begin < 0 ? -1 : ::lseek(file_.get(), begin, SEEK_HOLE);
    // A file system that does not know its holes: all of it.
    if (end < 0) return {bytes_};
    // Blocks of the file system may be smaller than pages.
    const auto whole = ~low_bits(~uint64_t{0}, kPageBits);
    const size_t first = std::min(size_t(begin) & whole, bytes_.size());
    at = std::min((size_t(end) + ~whole) & whole, bytes_.size());
    found.push_back(bytes_.subspan(first, at - first));
  }
  return found;
}

size_t GuestMemory::read_physical(uint64_t paddr, std::span<std::byte> out) const {
  const auto from = physical_from(paddr);
  const size_t size = std::min(from.size(), out.size());
  if (size != 0) std::memcpy(out.data(), from.data(), size);
  return size;
}

GuestMemory::Walked GuestMemory::walk(PageTables tables, uint64_t vaddr) const {
  unsigned shift = kPageBits + kIndexBits * (tables.five_levels ? 5 : 4);
  if (!is_canonical(vaddr, shift)) return {};
  uint64_t table = tables.cr3 & kAddressMask;
  while (shift > kPageBits) {
    shift -= kIndexBits;
    const auto entry =
        physical<uint64_t>(table + low_bits(vaddr >> shift, kIndexBits) * sizeof(uint64_t));
    if (!entry) return {};
    if ((*entry & kPresent) == 0) return {std::nullopt, *entry};
    // Pages of 1 GiB and 2 MiB; the bit is reserved further up and means PAT in the last level.
    const bool is_page = shift == kPageBits || ((*entry & kLarge) != 0 && shift <= 30);
    table = *entry & kAddressMask;
    if (is_page) return {(table & ~low_bits(~uint64_t{0}, shift)) | low_bits(vaddr, shift), *entry};
    if ((*entry & kLarge) != 0) return {};
  }
  return {};
}

std::optional<uint64_t> GuestMemory::translate(PageTables tables, uint64_t vaddr) const {
  return walk(tables, vaddr).paddr;
}

bool GuestMemory::is_untouched(PageTables tables, uint64_t vaddr) const {
  return walk(tables, vaddr).entry == 0;
}

size_t GuestMemory::read_virtual(PageTables tables, uint64_t vaddr,
                                 std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const uint64_t at = vaddr + done;
    const auto paddr = translate(tables, at);
    if (!paddr) break;
    const size_t in_page = size_t{1} << kPageBits;
    const size_t want = std::min(out.size() - done, in_page - size_t(low_bits(at, kPageBits)));
    const size_t got = read_physical(*paddr, out.subspan(done, want));
    done += got;
    if (got != want || at + want < at) break;
  }
  return done;
}

}  // namespace fptrace::emu
