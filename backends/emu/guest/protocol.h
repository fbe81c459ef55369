#pragma once
#include <cstdint>

// What fptrace and the guest's init say to each other over one virtio-serial port: frames, little
// endian, each a FrameHeader and `size` bytes. Both directions are streams; a frame may come in
// pieces.
//
// What goes to the guest is limited by credit, because QEMU, while it records, accepts input before
// the guest has room for it and drops what does not fit (the port has 128 buffers, and every piece
// that QEMU reads takes one at least): of the frames kJob and kInput no more than kWindow are under
// way that the guest has not said (kCredit) it is done with. The other frames are few.

namespace fptrace::emu {

constexpr uint32_t kProtocolVersion = 2;
// So that a frame with its header is one write of at most PIPE_BUF bytes to the host's pipe, which
// the kernel does wholly or not at all: QEMU 10.0 records the size of the last part of a write that
// took several and on replay takes that for the whole (qemu_chr_write in chardev/char.c). It also
// is one buffer of the port in the other direction.
constexpr uint32_t kMaxFrame = 4096 - 8;
constexpr uint32_t kWindow = 32;  // frames
constexpr char kPortName[] = "fptrace";
// What the guest disk is; the first and only one.
constexpr char kDiskDevice[] = "/dev/vda";

enum class ToHost : uint32_t {
  kReady = 1,       // Ready, then the kernel's release; the machine can be saved now
  kOutput = 2,      // of the program's standard output
  kError = 3,       // of its standard error
  kCredit = 4,      // uint32_t: frames dealt with since the last of these
  kExecFailed = 5,  // int32_t: errno
  kExited = 6,      // Exited: the program and all its processes have ended
  kFailed = 7,      // text: what init could not do; nothing follows
};

enum class ToGuest : uint32_t {
  kJob = 1,       // a piece of the encoded Job
  kJobEnd = 2,    // empty: run it
  kInput = 3,     // for the program's standard input
  kInputEnd = 4,  // empty
  kClosed = 5,    // uint32_t: nobody reads the program's stream 1 or 2 any more
  kSignal = 6,    // int32_t: a signal for the program
};

struct FrameHeader {
  uint32_t type = 0;
  uint32_t size = 0;  // at most kMaxFrame
};

struct Exited {
  int32_t status = 0;  // as waitpid(2) gives it
  uint32_t zero = 0;
  // The time stamp counter. It counts the guest's instructions and idle time, so it has this value
  // in every replay that is one.
  uint64_t clock = 0;
};

struct Ready {
  uint32_t version = kProtocolVersion;
  uint32_t has_btf = 0;  // the kernel has /sys/kernel/btf/vmlinux
};

}  // namespace fptrace::emu
