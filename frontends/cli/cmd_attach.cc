#include <unistd.h>

#include <algorithm>
#include <limits>

#include "frontends/cli/commands.h"
#include "frontends/cli/results.h"
#include "frontends/cli/trace_session.h"

namespace fptrace::cli {
namespace {

constexpr auto kOptions = join(kManifestOptions, kResultOptions, kHashOptions);

ExitStatus run(const Context& ctx, const Arguments& args) {
  std::vector<pid_t> pids;
  for (const auto& text : args.operands()) {
    const auto pid = parse_number(text, 1, std::numeric_limits<pid_t>::max());
    if (!pid) return usage_error(ctx, kAttach, "not a process id: " + pid.error().what);
    if (*pid == ::getpid()) return usage_error(ctx, kAttach, "fptrace cannot trace itself");
    if (std::ranges::find(pids, pid_t(*pid)) == pids.end()) pids.push_back(pid_t(*pid));
  }
  if (pids.empty()) return usage_error(ctx, kAttach, "no process to attach to");
  return trace(ctx, kAttach, args, {}, {}, [&](TracerRequest request) {
    request.attach = std::move(pids);
    return make_tracer(args, std::move(request));
  });
}

}  // namespace

const Subcommand kAttach{"attach",
                         "PID...",
                         "trace running processes until they end, or until Ctrl-C",
                         kOptions,
                         OperandRule::kAnywhere,
                         run};

}  // namespace fptrace::cli
