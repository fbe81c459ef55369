#pragma once
#include <atomic>
#include <cstdint>

#include "backends/emu/guest/marker.h"

// What the plugin inside QEMU and the host program say to each other: one file, mapped by both.
// Fixed sizes, fixed order, no pointers. The plugin includes it too: plain types only.
//
// The guest runs, or the host looks; never both. `turn` says which. At a stop the plugin writes
// `stop`, gives the turn to the host and waits; the host reads guest memory, changes what it wants
// to be told of next, and gives the turn back. Nothing else in the file is written without the
// turn.

namespace fptrace::emu {

// Bumped with every change to this file. The plugin refuses another version and says so.
inline constexpr uint32_t kWireVersion = 1;
inline constexpr uint64_t kWireMagic = 0x4c4e434550415246;  // "FRAPECNL"

enum class Turn : uint32_t { kGuest, kHost, kQuit /* the host wants QEMU to end */ };

enum class StopKind : uint32_t {
  kNone,
  kReady,    // the first block of the guest is about to run: all of its memory is there
  kSyscall,  // a task that is watched executes a system call instruction in user mode
  kReturn,   // a task with kAwaitReturn is about to go on in user mode
  kHook,     // the kernel enters the function at hooks[detail], for a task that is watched
  kMarker,   // cpuid with EAX=kMarkerLeaf in user mode; the Marker is in ECX
  kSwitch,   // another task than the last time is about to run in user mode
  kEnd,      // QEMU is about to exit
};

// Instructions that enter the kernel; `detail` of kSyscall.
enum class EntryKind : uint32_t { kSyscall, kInt80, kSysenter };

enum Gpr {
  kRax,
  kRbx,
  kRcx,
  kRdx,
  kRsi,
  kRdi,
  kRbp,
  kRsp,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15
};

// At kReturn the registers are those that user mode will see. At kSyscall `rip` is the address of
// the instruction, at kHook that of the function. rflags is known at kReturn only.
struct CpuState {
  uint64_t gpr[16];
  uint64_t rip, rflags;
  uint64_t cs, ss;
  uint64_t fs_base, gs_base, k_gs_base;
  uint64_t cr3, cr4, efer;
};

struct StopRecord {
  StopKind kind;
  uint32_t detail;
  uint64_t count;  // guest instructions begun since the plugin was loaded
  uint64_t task;   // `current`: virtual address of the task_struct; 0 before it can be told
  CpuState cpu;    // kSwitch and kEnd leave it alone
};

// What the host wants to be told of a task. It forgets a task before the kernel can use its address
// again: at its last act, which is a hook.
enum TaskFlags : uint32_t {
  kWatchCalls = 1,   // kSyscall for calls in `interesting`, and kHook
  kAwaitReturn = 2,  // kReturn, each time until cleared
};
struct TaskSlot {
  uint64_t task;  // 0: empty
  uint32_t flags;
  uint32_t reserved;
};

inline constexpr uint32_t kTaskSlots = 1 << 14;  // a power of two
inline constexpr uint32_t kMostCalls = 1024;     // system call numbers per interface
inline constexpr uint32_t kMostHooks = 8;

struct Wire {
  uint64_t magic;
  uint32_t version, size;
  std::atomic<uint32_t> turn;
  std::atomic<uint32_t> sleeping;  // somebody waits in the kernel for `turn` to change
  uint32_t plugin_version;         // written by the plugin, also when it refuses
  uint32_t want_count;             // 1: count instructions
  char ram_path[500];              // the file that is guest RAM; ends in NUL
  // Physical memory is the file's first `ram_low_size` bytes at 0, the rest at 4 GiB.
  uint64_t ram_size, ram_low_size;

  // Written by the host at a stop.
  uint64_t current_paddr;      // of the kernel's pointer to the current task; 0: not known
  uint64_t hooks[kMostHooks];  // virtual addresses; 0: none
  uint32_t watch_all;          // 1: tasks without a slot have kWatchCalls
  uint32_t want_switches;      // 1: report kSwitch
  uint64_t interesting[3]
                      [kMostCalls / 64];  // by Abi: bit nr. Numbers beyond are always interesting.
  TaskSlot tasks[kTaskSlots];             // open addressing from task_hash() on

  // Written by the plugin.
  StopRecord stop;
};
static_assert(std::atomic<uint32_t>::is_always_lock_free);

// Objects of 64-byte alignment at least, in a direct map: the low bits tell nothing.
inline uint32_t task_hash(uint64_t task) {
  return uint32_t((task >> 6) * 0x9e3779b97f4a7c15 >> 40) & (kTaskSlots - 1);
}

// Bytes of the file that are locked (fcntl(2), open file description locks) for as long as each
// side lives: the kernel releases them whatever way the process ends.
inline constexpr int64_t kHostLockByte = 0, kPluginLockByte = 1;

}  // namespace fptrace::emu
