#pragma once
#include <cstdint>

#include "backends/emu/channel/wire.h"

// What host and plugin say about a search in what the guest reads and writes.

namespace fptrace::emu {

// RequestKind::kFind: look, from now on, for the args[0] bytes that are in the mail, and make
// args[1] stops at most. Wire::want_find says in whose accesses, those of programs or the kernel's
// own: a set of FindWhere. EINVAL: no bytes, or more than kLongestFind.
enum FindWhere : uint32_t { kFindUserCode = 1, kFindKernelCode = 2 };
inline constexpr uint32_t kLongestFind = 1024;

// An access is a hit if the bytes stand in memory after it, and it read the last of them or wrote
// any of them. The first hit of each place in the code, for each task and for reads and writes
// apart, makes a stop (kFound) as long as there are some left: the registers are those at the
// instruction, and the last report is ReportKind::kFound:
//   vaddr      of the instruction
//   detail     a set of FoundFlags
//   values     0: virtual address of the found bytes; 1: physical address of the first; 2: the
//              task's life
enum FoundFlags : uint32_t { kFoundWrite = 1, kFoundKernelCode = 2 };

// RequestKind::kFind + 1: how often each was hit. args[0]: the number of the first place wanted.
// reply[0]: how many places there are; reply[1]: how many FindCounts are in the mail.
inline constexpr uint32_t kFindCounts = uint32_t(RequestKind::kFind) + 1;
struct FindCount {
  uint64_t life, pc;
  uint64_t hits;
  uint32_t flags;  // FoundFlags
  uint32_t reserved;
};

}  // namespace fptrace::emu
