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
//
// While it has the turn the host may also ask something of the plugin: it writes `request`, gives
// the turn, and has it back with the reply, the guest standing still all the while. What need not
// stop the guest the plugin writes to `reports`; the host empties them at each stop, and the plugin
// makes a stop (kReports) when they are full, so none is lost.

namespace fptrace::emu {

// Bumped with every change to this file. The plugin refuses another version and says so.
inline constexpr uint32_t kWireVersion = 9;
inline constexpr uint64_t kWireMagic = 0x4c4e434550415246;  // "FRAPECNL"

enum class Turn : uint32_t {
  kGuest,
  kHost,
  kQuit,  // the host wants QEMU to end
  kSoon,  // the guest's, and it will stop in a moment
};

enum class StopKind : uint32_t {
  kNone,
  kReady,  // the first block of the guest is about to run: all of its memory is there
  // A task that is watched executes a system call instruction in user mode; or did so, for a call
  // in `told_late`: then this stop comes before the next other one, before another task runs, or
  // when the call is about to return to user mode, and the call may be over.
  kSyscall,
  kReturn,   // a task with kAwaitReturn is about to go on in user mode
  kHook,     // the kernel enters the function at hooks[detail], for a task of its flags
  kMarker,   // cpuid with EAX=kMarkerLeaf in user mode; the Marker is in ECX
  kSwitch,   // the CPU goes on with another task: `task`, from now on; RDI has the one before
  kEnd,      // QEMU is about to exit
  kReports,  // no room is left for reports
  kMoment,   // as many instructions are over as RequestKind::kMoment asked for
  kFound,    // see find_wire.h
  kPage,     // the kernel is done with reading, or changing, a page of a file in `page_owners`:
             // RDI is its struct page. Whatever task runs
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
  CpuState cpu;    // kEnd and kReports leave it alone
};

// What the host wants to be told of a task. It forgets a task before the kernel can use its address
// again: at its last act, which is a hook.
enum TaskFlags : uint32_t {
  kWatchCalls = 1,       // kSyscall for calls in `interesting`
  kAwaitReturn = 2,      // kReturn, each time until cleared
  kAwaitNewProgram = 4,  // for hooks only: the call is an exec that is looked at once more
};
struct TaskSlot {
  uint64_t task;  // 0: empty
  uint32_t flags;
  uint32_t reserved;
};

// Something the host asks for at a stop. `kind` says what, and what `args`, `reply` and the mail
// mean; each part of the plugin has its own header for that.
enum class RequestKind : uint32_t {
  kNone,
  kFind = 0x100,
  kTaint = 0x200,  // + what
  kCoverage = 0x300,
  // Make a stop (kMoment) when args[0] instructions are over; StopRecord::count is then one more,
  // as the next one has begun. Needs want_moment.
  kMoment = 0x400,
  // Task args[0] has ended, or runs another program: what is reported once is reported again.
  kNewLife = 0x500,
};
struct Request {
  uint32_t kind;   // a RequestKind, plus the part's own number; the plugin sets it to kNone
  uint32_t error;  // 0, or an errno: EOPNOTSUPP for a kind that the plugin does not know
  uint64_t args[6];
  uint64_t reply[4];
};
inline constexpr uint32_t kMailSize = 1 << 20;  // bytes that go along with a request or its reply

// Something that happened while the guest ran.
enum class ReportKind : uint32_t { kNone, kBlock = 0x100, kFound = 0x200, kTaint = 0x300 };
struct Report {
  uint32_t kind;    // a ReportKind, plus the part's own number
  uint32_t detail;  // this and `values`: the part's own header says what
  uint64_t count;   // as StopRecord::count
  uint64_t task;
  uint64_t vaddr;  // of the instruction
  uint64_t values[4];
};
inline constexpr uint32_t kMostReports = 1 << 14;

// Of a system call's argument: (gpr & mask) == value, or, if `negated`, not.
struct CallTest {
  uint32_t abi, nr;
  uint32_t gpr;  // a Gpr: where the argument is when the call is made
  uint32_t negated;
  uint64_t mask, value;
};
inline constexpr uint32_t kMostCallTests = 64;
inline constexpr uint32_t kMostCalls = 1024;  // system call numbers per interface

// A set of system calls.
struct CallSet {
  uint64_t all[3][kMostCalls / 64];     // by Abi: bit nr
  uint64_t tested[3][kMostCalls / 64];  // these are in it if all tests of them hold
  uint32_t tests_count, reserved;
  CallTest tests[kMostCallTests];
};

inline constexpr uint32_t kTaskSlots = 1 << 14;  // a power of two
inline constexpr uint32_t kMostHooks = 8;
inline constexpr uint32_t kPageHooks = 2, kMostPageOwners = 64;

struct Wire {
  uint64_t magic;
  uint32_t version, size;
  std::atomic<uint32_t> turn;
  std::atomic<uint32_t> sleeping;  // somebody waits in the kernel for `turn` to change
  uint32_t plugin_version;         // written by the plugin, also when it refuses
  uint32_t want_count;             // 1: count instructions
  uint32_t want_taint;             // 1: be ready to follow labels; see taint_wire.h
  uint32_t reserved;
  char ram_path[500];  // the file that is guest RAM; ends in NUL
  // Physical memory is the file's first `ram_low_size` bytes at 0, the rest at 4 GiB.
  uint64_t ram_size, ram_low_size;

  // Written by the host at a stop.
  uint64_t current_paddr;           // of the kernel's pointer to the current task; 0: not known
  uint64_t hooks[kMostHooks];       // virtual addresses; 0: none
  uint32_t hook_flags[kMostHooks];  // TaskFlags: kHook for a task that has one of them
  uint32_t watch_all;               // 1: tasks without a slot have kWatchCalls
  uint64_t switch_function;         // where the kernel changes tasks (prev, next); 0: not known
  // What the plugin is to be ready for; set before QEMU is started.
  uint32_t want_moment;    // 1: RequestKind::kMoment
  uint32_t want_blocks;    // 1: see coverage_wire.h
  uint32_t want_find;      // FindWhere of find_wire.h; 0: not
  uint32_t want_switches;  // 1: kSwitch
  // kPage: the functions that take a struct page, and which pages matter: those whose pointer at
  // `page_owner_offset` is one of the first `page_owners_count`.
  uint64_t page_hooks[kPageHooks];  // 0: none
  uint32_t page_owner_offset, page_owners_count;
  uint64_t page_owners[kMostPageOwners];
  CallSet interesting;  // kSyscall. Numbers beyond kMostCalls are always in it
  // Of these, calls that change nothing the host looks at: a late look finds what an early one
  // would. Needs switch_function.
  CallSet told_late;
  TaskSlot tasks[kTaskSlots];  // open addressing from task_hash() on

  // Written by the plugin.
  StopRecord stop;
  uint32_t reports_written;  // since the last stop; the host sets it to 0
  Report reports[kMostReports];

  Request request;
  uint8_t mail[kMailSize];
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
