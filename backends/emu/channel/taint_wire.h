#pragma once
#include <cstdint>

#include "backends/emu/channel/wire.h"

// What host and plugin say to each other about taint: the requests from RequestKind::kTaint on, the
// reports from ReportKind::kTaint on. See wire.h for how they travel.
//
// Only with Wire::want_taint; else the plugin refuses each with EOPNOTSUPP. Errors of all requests:
// EINVAL for an argument that no request can have, E2BIG for more than the mail holds.

namespace fptrace::emu {

// An id names a set of labels, 0 the empty one. Ids in reports are good for ever, those that a
// request returned until the guest runs on.
using TaintSetId = uint32_t;

// A source has labels of its own: numbers below kMostTaintLabels, given out by the host.
inline constexpr uint32_t kMostTaintLabels = uint32_t{1} << 31;

enum class TaintRequest : uint32_t {
  // The mail holds a TaintOptions. EBUSY: `max_depth` or `max_runs` is to change, and there are
  // labels already.
  kOptions = uint32_t(RequestKind::kTaint),

  // The mail holds args[0] TaintRanges, taken in order. EFAULT: a byte is not in RAM; then nothing
  // was done. reply[0]: bytes of memory that have a label now, all in all.
  kLabelMemory,
  // The mail holds args[0] TaintRanges, of which address and size count. The reply's mail has a
  // TaintSetId for each byte of each range; reply[0]: how many of them are not 0. EFAULT as above.
  kQueryMemory,

  // args: register, first byte, number of bytes, first label, step, a TaintHow.
  kLabelRegister,
  // args[0]: register. The reply's mail has a TaintSetId for each byte; reply[0]: how many bytes.
  kQueryRegister,

  // The mail holds args[0] TaintSetIds. The reply's mail has for each a TaintSet, then its runs.
  // reply[0]: how many of the ids; what did not fit is to be asked for again. ENOENT: no such set.
  kDescribe,

  // The reply's mail has a TaintSummary.
  kSummary,
  // Tables, whose entries never change their places. args[0]: the first one wanted. The reply's
  // mail
  // has entries, as many as fit: TaintFinding, TaintHolder, TaintUnmodelled. reply[0]: how many in
  // the mail; reply[1]: how many in the table.
  kFindings,
  kHolders,
  kUnmodelled,

  // args[0]: a task that is gone. Whoever has its address next is another one.
  kForgetTask,
};

enum class TaintHow : uint32_t { kReplace, kAdd, kClear };

// Byte i gets label first_label + i * step.
struct TaintRange {
  uint64_t paddr;
  uint64_t size;
  uint32_t first_label;
  uint32_t step;  // 0 or 1
  uint32_t how;   // a TaintHow
  uint32_t reserved;
};

// What the plugin watches out for.
enum TaintWatch : uint32_t {
  kWatchBranches = 1,      // conditional branches on labelled flags
  kWatchJumps = 2,         // jumps, calls and returns to a labelled address
  kWatchInstructions = 4,  // whatever has a labelled input
};

// How labels are moved; it changes nothing but the time it takes.
enum TaintTier : uint32_t {
  kTaintTierAuto,   // hot blocks are compiled if the plugin has its compiler beside it
  kTaintInterpret,  // none is
};

struct TaintOptions {
  uint32_t on;         // 0: labels do not move, and registers lose theirs
  uint32_t pointers;   // 1: what is loaded has the labels of its address, too
  uint32_t max_depth;  // computations are counted up to it; 0: not at all. At most kMostTaintDepth
  uint32_t
      max_runs;    // of a set; beyond, it is merged to one that covers it. At most kMostTaintRuns
  uint32_t watch;  // TaintWatch
  uint32_t reports_per_site;  // so often an instruction's finding is reported as its set grows
  uint32_t check;             // 1: compare each translation of an address with QEMU's own
  uint32_t tier;              // TaintTier
};
inline constexpr uint32_t kMostTaintRuns = 1 << 16;
inline constexpr uint32_t kMostTaintDepth = 60000;
inline constexpr TaintOptions kDefaultTaintOptions{1,  0, 0, 256, kWatchBranches | kWatchJumps,
                                                   16, 0, 0};

// Registers by number: Gpr from 0, xmm from 16, st(0) to st(7) as the stack stands from 32, and the
// six flags CF PF AF ZF SF OF, a byte each, as 40.
inline constexpr uint32_t kTaintXmm = 16, kTaintX87 = 32, kTaintFlags = 40, kTaintRegisters = 41;

struct TaintSet {
  TaintSetId id;
  uint32_t runs;  // how many follow
  uint32_t depth;
  uint32_t merged;  // 1: it covers what is meant, and maybe more
};
struct TaintRun {
  uint32_t first, last;  // inclusive
};

struct TaintSummary {
  uint64_t labelled, peak_labelled;         // bytes of memory with a label
  uint64_t shadow_bytes, peak_shadow;       // what their labels take
  uint64_t sets, set_bytes, peak_set;       // sets that are stored, and what they take
  uint64_t collections;                     // of sets that nothing refers to
  uint64_t blocks, quiet_blocks;            // executed while a register had a label; without effect
  uint64_t instructions;                    // interpreted
  uint64_t activations;                     // times that the first register got a label
  uint64_t unmodelled, unmodelled_tainted;  // executions of those in the table kUnmodelled
  uint64_t decoded_blocks;
  uint64_t checked, wrong_translations;  // see TaintOptions::check
  uint32_t any_merged;                   // 1: a set had to be
  uint32_t deepest;
  uint32_t findings, holders, unmodelled_kinds;  // entries of the tables
  uint32_t reserved;
  // By the second tier: they are a matter of time, and not for reports.
  uint64_t compiled_blocks, compiled_executions;
};

// An instruction that did something with labels. ReportKind of its reports is kTaint + kind.
enum class TaintFindingKind : uint32_t { kBranch, kJump, kInstruction, kHolder };

struct TaintFinding {
  uint32_t kind;     // not kHolder
  TaintSetId set;    // all that reached it
  uint32_t holder;   // which entry of the table of holders did it
  uint32_t reports;  // how many there were
  uint64_t task, vaddr;
  uint64_t first_count;  // StopRecord::count at the first
  uint64_t times;
};

// A task that had labelled bytes in its registers in user mode.
struct TaintHolder {
  uint64_t task;
  uint64_t first_count;  // 0: it never had, but the kernel on its behalf
  TaintSetId set;
  uint32_t gone;  // 1: see kForgetTask
};

struct TaintUnmodelled {
  char mnemonic[16];  // ends in NUL
  uint64_t times, tainted;
};

// Of a report: `detail` is the set that is new at this place, values[0] the entry of the table of
// findings (of holders for kHolder), values[1] that of holders.
constexpr uint32_t report_kind(TaintFindingKind kind) {
  return uint32_t(ReportKind::kTaint) + uint32_t(kind);
}

}  // namespace fptrace::emu
