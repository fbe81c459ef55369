#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace fptrace::emu {

// What a guest sees of its machine. A state can only be restored into an equal one.
struct Machine {
  std::string cpu = "qemu64";  // -cpu; has the features of x86-64-v1, and AMD's name: no KPTI
  uint32_t memory_mib = 1024;
  // 2^shift ns of the guest's time for each instruction.
  uint32_t icount_shift = 5;
  bool operator==(const Machine&) const = default;
};

// One sentence for each thing that differs: "the recording's CPU is a, the image's b".
std::vector<std::string> differences(const Machine& recording, const Machine& image);

// Errors name what cannot be.
Result<void> check(const Machine& machine);

struct MachineFiles {
  std::string kernel, initramfs;
  std::string state;    // a qcow2 file that holds the machine's saved state, but for its memory
  std::string disk;     // a qcow2 file: what is written; its backing file has the contents
  std::string ram;      // the guest's physical memory; made by QEMU when the machine boots
  std::string console;  // made by QEMU: what the kernel prints
  // What the guest writes stays within QEMU: `ram` is only read, and others may have it, too.
  bool ram_is_private = false;
};

// All but kReplay record. kBoot begins with the BIOS; kRecord and kReplay wait for a state to be
// restored.
enum class Mode { kBoot, kRecord, kReplay };

struct Launch {
  Mode mode = Mode::kBoot;
  std::string log;                               // all that is not deterministic
  int to_guest = -1, from_guest = -1, qmp = -1;  // descriptors that QEMU inherits
  std::vector<std::string> plugins;
};

// Pure. The arguments, without the program. Paths may have any bytes but NUL.
std::vector<std::string> command_line(const Machine& machine, const MachineFiles& files,
                                      const Launch& launch);

}  // namespace fptrace::emu
