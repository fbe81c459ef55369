#include "backends/emu/guest/boot.h"

#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/fs.h>
#include <linux/random.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "backends/emu/guest/protocol.h"
#include "backends/emu/guest/syscalls.h"

namespace fptrace::emu {
namespace {

void mount_at(const char* type, const char* where, unsigned long flags, const char* data) {
  ::mkdir(where, 0755);
  if (::mount(type, where, type, flags, data) < 0)
    give_up_errno(std::string("cannot mount ") + type + " at " + where);
}

// One name a line, in the order of their dependencies.
void insert_modules() {
  const std::string list = read_file("/modules/order");
  for (size_t at = 0; at < list.size();) {
    const size_t end = list.find('\n', at);
    const std::string path = "/modules/" + list.substr(at, end - at);
    at = end == std::string::npos ? list.size() : end + 1;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) give_up_errno("cannot open " + path);
    if (::syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
      give_up_errno("cannot insert " + path);
    ::close(fd);
  }
}

void start_loopback() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;  // a kernel without a network
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  (void)::ioctl(fd, SIOCSIFFLAGS, &request);
  ::close(fd);
}

void wait_a_little() {
  const timespec millisecond{0, 1000000};
  ::nanosleep(&millisecond, nullptr);
}

// Of the port with our name; empty while there is none.
std::string port_device() {
  constexpr char kClass[] = "/sys/class/virtio-ports";
  std::string found;
  DIR* directory = ::opendir(kClass);
  if (directory == nullptr) return found;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (read_file(kClass + ("/" + name) + "/name") == std::string(kPortName) + "\n")
      found = "/dev/" + name;
  }
  ::closedir(directory);
  return found;
}

void mix_in(const std::string& seed) {
  const int fd = ::open("/dev/urandom", O_RDWR | O_CLOEXEC);
  if (fd < 0) give_up_errno("cannot open /dev/urandom");
  std::vector<uint32_t> request(2 + (seed.size() + 3) / 4);
  request[0] = uint32_t(seed.size()) * 8;  // rand_pool_info::entropy_count, bits
  request[1] = uint32_t(seed.size());      // buf_size
  std::memcpy(&request[2], seed.data(), seed.size());
  // Without the second call, what was drawn in advance before the state was saved is used up first.
  if (::ioctl(fd, RNDADDENTROPY, request.data()) < 0 || ::ioctl(fd, RNDRESEEDCRNG) < 0)
    give_up_errno("cannot seed the random number generator");
  ::close(fd);
}

void mount_pseudo_file_systems(const std::string& root) {
  mount_at("proc", (root + "/proc").c_str(), MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  mount_at("sysfs", (root + "/sys").c_str(), MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr);
  mount_at("devtmpfs", (root + "/dev").c_str(), MS_NOSUID, "mode=0755");
}

// Piece by piece, each would be waited for on its own.
void read_ahead(int disk, const std::vector<DiskRange>& ranges) {
  for (const auto& range : ranges)
    (void)::posix_fadvise(disk, off_t(range.begin), off_t(range.end - range.begin),
                          POSIX_FADV_WILLNEED);
}

// Whoever looks into this machine's memory sees the names that the kernel remembers. After this
// that is all of the disk's: a name that is not remembered is not there.
void remember_names() {
  // By changing directories: there are paths that are longer than the kernel takes. nftw(3) aborts
  // on them.
  char root[] = "/";
  char* const roots[] = {root, nullptr};
  FTS* const tree = ::fts_open(roots, FTS_PHYSICAL | FTS_XDEV, nullptr);
  while (tree != nullptr && ::fts_read(tree) != nullptr) {}
  if (tree != nullptr) ::fts_close(tree);
  (void)::chdir("/");
}

}  // namespace

void boot() {
  mount_pseudo_file_systems("");
  insert_modules();
  start_loopback();
  // As hosts with swap do, let programs map far more than there is memory.
  write_file("/proc/sys/vm/overcommit_memory", "1");
}

int open_port() {
  for (int tries = 0; tries < 5000; ++tries, wait_a_little()) {
    const std::string device = port_device();
    if (device.empty()) continue;
    const int fd = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
    if (fd >= 0) return fd;
  }
  give_up("there is no virtio-serial port; has the kernel virtio_console and virtio_pci?");
}

void personalize(const Job& job) {
  const timespec now{time_t(job.time_ns / 1000000000), long(job.time_ns % 1000000000)};
  if (::clock_settime(CLOCK_REALTIME, &now) < 0) give_up_errno("cannot set the clock");
  mix_in(job.seed);
  // The most that a caller's limit can be (sysctl_nr_open_max in fs/file.c).
  write_file("/proc/sys/fs/nr_open", "2147483584");
  if (::sethostname(job.hostname.data(), job.hostname.size()) < 0)
    give_up_errno("cannot set the host's name");
}

void enter_root(const Job& job) {
  // What was read of another disk, when the machine was booted, must not be taken for this one's.
  const int disk = ::open(kDiskDevice, O_RDONLY | O_CLOEXEC);
  if (disk < 0) give_up_errno(std::string("cannot open ") + kDiskDevice);
  (void)::ioctl(disk, BLKFLSBUF, 0);
  ::mkdir("/newroot", 0755);
  // A thread of the kernel's that zeroes unused inodes would only lengthen the recording.
  if (::mount(kDiskDevice, "/newroot", "ext4", MS_RELATIME, "noinit_itable") < 0)
    give_up_errno("cannot mount the program's files");
  // Not before: to mount it forgets what was read.
  read_ahead(disk, job.disk_metadata);
  ::close(disk);
  mount_pseudo_file_systems("/newroot");
  mount_at("devpts", "/newroot/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
  mount_at("tmpfs", "/newroot/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
  (void)::symlink("/proc/self/fd", "/newroot/dev/fd");
  (void)::symlink("/proc/self/fd/0", "/newroot/dev/stdin");
  (void)::symlink("/proc/self/fd/1", "/newroot/dev/stdout");
  (void)::symlink("/proc/self/fd/2", "/newroot/dev/stderr");
  // Not pivot_root(2), which refuses to move the kernel's first root.
  if (::chdir("/newroot") < 0 || ::mount(".", "/", nullptr, MS_MOVE, nullptr) < 0 ||
      ::chroot(".") < 0 || ::chdir("/") < 0)
    give_up_errno("cannot change the root");
  remember_names();
}

}  // namespace fptrace::emu
