#pragma once
#include <memory>
#include <vector>

#include "backends/emu/tracer/kernel_hooks.h"
#include "backends/emu/tracer/observer.h"
#include "frontends/cli/backends.h"
#include "frontends/cli/subcommand.h"

namespace fptrace::cli {

// Looks into a replay that go beyond its events.
inline constexpr Option kVerbOptions[] = {
    {0, "timeline", "[=FILE]",
     "which process ran when; FILE may be .svg, .json or text (default: standard output)"},
    {0, "syscalls", "[=FILE]",
     "every system call of the program's processes, as lines (default: standard output)"},
    {0, "coverage", "DIR",
     "which code each process ran: files in the format of drcov, into this new directory"},
    {0, "find", "STRING",
     "who read or wrote this string, or these bytes (hex:0a0b), in the whole machine"},
    {0, "find-in", "all|user|kernel", "with --find: whose accesses count (default: all)"},
    {0, "find-places", "N", "with --find: how many places are shown (default: 256)"},
};
// Of a replay alone.
inline constexpr Option kDumpOptions[] = {
    {0, "dump", "FILE", "write the guest's physical memory at the moment --at to FILE"},
    {0, "at", "MOMENT",
     "with --dump: begin, end (default), a number of the guest's instructions, or a percentage"},
    {0, "dump-format", "raw|elf", "with --dump: plain bytes, or a core dump (default: elf)"},
};

// One of them: watches a replay, and writes what it found afterwards.
class Verb {
 public:
  virtual ~Verb() = default;
  virtual emu::Observer& observer() = 0;
  // Its report goes to standard output, so the program's output does not.
  virtual bool prints() const = 0;
  virtual bool wants_all_calls() const { return false; }
  virtual Result<void> write(const Context& ctx) = 0;
};
using Verbs = std::vector<std::unique_ptr<Verb>>;

// Those that `args` ask for. kParse: the options make no sense; anything else: an output cannot be
// written.
Result<Verbs> make_verbs(const Context& ctx, const Arguments& args);

// What is to be looked at for them, and for the results that `events` are for.
Watching watching(const Verbs& verbs, bool events);

// Their reports. Says, as `self`, which cannot be written; false: some.
bool write(const Context& ctx, const Subcommand& self, const Verbs& verbs);

// --dump. Replays as far as needed, and no further.
ExitStatus dump(const Context& ctx, const Subcommand& self, const Arguments& args,
                const std::string& recording);

}  // namespace fptrace::cli
