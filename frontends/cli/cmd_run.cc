#include "frontends/cli/backends.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/results.h"
#include "frontends/cli/trace_session.h"

namespace fptrace::cli {
namespace {

constexpr auto kOptions = join(kManifestOptions, kResultOptions, kBackendOptions, kHashOptions,
                               kEmuOptions, kGuestOptions);

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().empty()) return usage_error(ctx, kRun, "no program to trace");
  return trace(ctx, kRun, args, args.operands(), {},
               [&args](TracerRequest request) { return make_tracer(args, std::move(request)); });
}

}  // namespace

const Subcommand kRun{"run",    "[--] PROGRAM [ARG]...", "trace a program and all it starts",
                      kOptions, OperandRule::kProgram,   run};

}  // namespace fptrace::cli
