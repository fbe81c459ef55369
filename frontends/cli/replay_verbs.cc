#include "frontends/cli/replay_verbs.h"

#include <algorithm>

#include "backends/emu/tracer/memory_dump.h"
#include "common/base/text.h"
#include "fingerprint/manifest_file.h"
#include "frontends/cli/calls_verb.h"
#include "frontends/cli/coverage_verb.h"
#include "frontends/cli/find_verb.h"
#include "frontends/cli/replay_at.h"
#include "frontends/cli/timeline_verb.h"

namespace fptrace::cli {

Result<Verbs> make_verbs(const Context& ctx, const Arguments& args) {
  for (const char* option : {"find-in", "find-places"})
    if (args.has(option) && !args.has("find"))
      return fail(Errc::kParse, "--" + std::string(option) + " needs --find");
  Verbs verbs;
  const bool json = args.has("json");
  for (const char* option : {"timeline", "syscalls"})
    if (const std::string file = args.value(option); !file.empty())
      if (auto ok = check_writable(file); !ok) return fail(ok.error());
  if (args.has("timeline"))
    verbs.push_back(timeline_verb(args.value("timeline"), json, args.operands()[0]));
  if (args.has("syscalls")) verbs.push_back(calls_verb(ctx, args.value("syscalls"), json));
  if (args.has("coverage")) {
    auto verb = coverage_verb(args.value("coverage"));
    if (!verb) return fail(verb.error());
    verbs.push_back(*std::move(verb));
  }
  if (args.has("find")) {
    auto verb = find_verb(args);
    if (!verb) return fail(verb.error());
    verbs.push_back(*std::move(verb));
  }
  if (std::ranges::count_if(verbs, [](const auto& verb) { return verb->prints(); }) > 1)
    return fail(Errc::kParse,
                "only one report can go to standard output: name a file for the others");
  return verbs;
}

Watching watching(const Verbs& verbs, bool events) {
  Watching what;
  what.events = events;
  for (const auto& verb : verbs) {
    what.observers.push_back(&verb->observer());
    what.all_calls = what.all_calls || verb->wants_all_calls();
    what.silent = what.silent || verb->prints();
  }
  return what;
}

bool write(const Context& ctx, const Subcommand& self, const Verbs& verbs) {
  bool whole = true;
  for (const auto& verb : verbs) {
    if (auto ok = verb->write(ctx); !ok) {
      ctx.err << "fptrace " << self.name << ": " << printable(ok.error().what) << '\n';
      whole = false;
    }
  }
  return whole;
}

ExitStatus dump(const Context& ctx, const Subcommand& self, const Arguments& args,
                const std::string& recording) {
  const auto moment = emu::parse_moment(args.value("at", "end"));
  if (!moment) return usage_error(ctx, self, "--at: " + moment.error().what);
  const std::string file = args.value("dump");
  const auto format =
      args.value("dump-format", "elf") == "raw" ? emu::DumpFormat::kRaw : emu::DumpFormat::kElf;
  const auto failed = [&](const std::string& what) {
    ctx.err << "fptrace replay: " << printable(what) << '\n';
    return ExitStatus{kToolFailed};
  };
  if (auto ok = check_writable(file); !ok) return failed(ok.error().what);
  const auto look = [&](const emu::Sight& sight) {
    const auto info = sight.guest.tasks().info(sight.stop().task);
    return emu::dump_memory(file, format, sight.guest.kernel(), sight.stop().cpu,
                            info ? info->tid : 0);
  };
  int signal = 0;
  const auto ok = look_at(recording, *moment, look, signal);
  if (!ok && signal != 0) return {0, signal};
  if (!ok) return failed(ok.error().what);
  ctx.err << "fptrace: memory written to " << printable(file) << '\n';
  return {};
}

}  // namespace fptrace::cli
