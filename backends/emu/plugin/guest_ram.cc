#include "backends/emu/plugin/guest_ram.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace fptrace::emu {
namespace {

constexpr uint64_t kHighBase = uint64_t{1} << 32;

// Where this process has the file mapped already, from its beginning: see proc_pid_maps(5).
// nullptr: nowhere.
void* find_mapping(const struct stat& file, uint64_t size) {
  FILE* const maps = ::fopen("/proc/self/maps", "re");
  if (!maps) return nullptr;
  char* line = nullptr;
  size_t room = 0;
  uint64_t found = 0;
  while (found == 0 && ::getline(&line, &room, maps) > 0) {
    uint64_t begin, end, offset, inode;
    unsigned dev_major, dev_minor;
    char how[5];
    if (::sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64, &begin, &end, how,
                 &offset, &dev_major, &dev_minor, &inode) != 7)
      continue;
    if (inode == file.st_ino && ::makedev(dev_major, dev_minor) == file.st_dev && offset == 0 &&
        end - begin >= size && how[0] == 'r' && how[3] == 's')
      found = begin;
  }
  ::free(line);
  ::fclose(maps);
  return reinterpret_cast<void*>(found);
}

}  // namespace

bool GuestRam::open(const Wire& wire) {
  if (memchr(wire.ram_path, 0, sizeof wire.ram_path) == nullptr) return false;
  const int fd = ::open(wire.ram_path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat st {};
  void* bytes = nullptr;
  // A page beyond the file's end would be a SIGBUS.
  if (::fstat(fd, &st) == 0 && uint64_t(st.st_size) >= wire.ram_size && wire.ram_size > 0 &&
      wire.ram_low_size <= wire.ram_size) {
    // QEMU's own mapping, as the processor's caches are for its addresses.
    bytes = find_mapping(st, wire.ram_size);
    if (!bytes) bytes = ::mmap(nullptr, wire.ram_size, PROT_READ, MAP_SHARED, fd, 0);
  }
  ::close(fd);
  if (!bytes || bytes == MAP_FAILED) return false;
  bytes_ = static_cast<const uint8_t*>(bytes);
  size_ = wire.ram_size;
  low_size_ = wire.ram_low_size;
  return true;
}

const uint8_t* GuestRam::at(uint64_t paddr, uint64_t size) const {
  uint64_t end = low_size_;
  if (paddr >= kHighBase) {
    paddr = paddr - kHighBase + low_size_;
    end = size_;
  }
  return paddr <= end && end - paddr >= size ? bytes_ + paddr : nullptr;
}

uint64_t GuestRam::read_u64(uint64_t paddr) const {
  uint64_t value = 0;
  if (const uint8_t* bytes = at(paddr, sizeof value)) memcpy(&value, bytes, sizeof value);
  return value;
}

bool GuestRam::equals(uint64_t paddr, const void* bytes, size_t size) const {
  const uint8_t* const own = at(paddr, size);
  return own && memcmp(own, bytes, size) == 0;
}

}  // namespace fptrace::emu
