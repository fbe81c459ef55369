#include "frontends/cli/commands.h"
#include "frontends/cli/trace_session.h"

namespace fptrace::cli {
namespace {

constexpr Option kOwn[] = {
    {0, "no-hash", "", "do not hash the contents of files"},
    {0, "timeout", "SECONDS", "give up a replay that takes longer"},
};
constexpr auto kOptions = join(kManifestOptions, kResultOptions, kOwn, kGuestOptions);

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().size() != 1) return usage_error(ctx, kReplay, "one recording is needed");
  const std::string& path = args.operands()[0];
  return trace(ctx, kReplay, args, {}, Manifests::kIfNamed, [&](TracerRequest request) {
    return make_replayer(args, path, std::move(request));
  });
}

}  // namespace

const Subcommand kReplay{"replay",
                         "RUN.fpr",
                         "run a recording again: its output, and what the program did",
                         kOptions,
                         OperandRule::kAnywhere,
                         run};

}  // namespace fptrace::cli
