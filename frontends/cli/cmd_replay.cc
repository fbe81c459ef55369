#include "common/base/text.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/machine_session.h"
#include "frontends/cli/trace_session.h"

namespace fptrace::cli {
namespace {

constexpr Option kOwn[] = {
    {0, "no-hash", "", "do not hash the contents of files"},
    {0, "timeout", "SECONDS", "give up a replay that takes longer"},
};
constexpr auto kOptions = join(kManifestOptions, kResultOptions, kOwn, kGuestOptions);

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace replay: " << printable(what) << '\n';
  return {kToolFailed};
}

// The program's output and exit status alone: nothing looks into the machine.
ExitStatus only_run(const Context& ctx, const std::string& path) {
  emu::ReplayRequest request;
  request.path = path;
  const Interruption interruption;
  auto replay = emu::prepare_replay(request);
  if (!replay) return failed(ctx, replay.error().what);
  const auto status = (*replay)->serve(pass_through, interruption.token());
  if (!status && interruption.signal() != 0) return {0, interruption.signal()};
  if (!status) return failed(ctx, status.error().what);
  return *status;
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().size() != 1) return usage_error(ctx, kReplay, "name one recording");
  const std::string& path = args.operands()[0];
  if (!args.has("output") && !args.has("log") && !args.has("json")) return only_run(ctx, path);
  return trace(ctx, kReplay, args, {}, Manifests::kIfNamed, [&](TracerRequest request) {
    return make_replayer(args, path, std::move(request));
  });
}

}  // namespace

const Subcommand kReplay{"replay",
                         "RECORDING",
                         "run a recording again, and tell what the program did",
                         kOptions,
                         OperandRule::kAnywhere,
                         run};

}  // namespace fptrace::cli
