#include "common/base/text.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/machine_session.h"
#include "frontends/cli/replay_verbs.h"
#include "frontends/cli/trace_session.h"

namespace fptrace::cli {
namespace {

constexpr Option kOwn[] = {
    {0, "timeout", "SECONDS", "give up a replay that takes longer"},
};
constexpr auto kOptions = join(kManifestOptions, kResultOptions, kVerbOptions, kDumpOptions,
                               kHashOptions, kOwn, kGuestOptions);

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
  auto verbs = make_verbs(ctx, args);
  if (!verbs) return not_begun(ctx, kReplay, verbs.error());
  if (args.has("dump")) {
    if (!verbs->empty() || args.has("output") || args.has("log"))
      return usage_error(ctx, kReplay, "--dump goes with no other result: it ends the replay");
    return dump(ctx, kReplay, args, path);
  }
  for (const char* option : {"at", "dump-format"})
    if (args.has(option))
      return usage_error(ctx, kReplay, "--" + std::string(option) + " needs --dump");
  const bool results =
      args.has("output") || args.has("log") || (args.has("json") && verbs->empty());
  if (!results && verbs->empty()) return only_run(ctx, path);
  const auto make = [&](TracerRequest request) {
    return make_replayer(args, path, std::move(request), watching(*verbs, results));
  };
  return trace(ctx, kReplay, args, {}, {results ? Manifests::kIfNamed : Manifests::kNone}, make,
               [&] { return write(ctx, kReplay, *verbs); });
}

}  // namespace

const Subcommand kReplay{"replay",
                         "RECORDING",
                         "run a recording again, and tell what the program did",
                         kOptions,
                         OperandRule::kAnywhere,
                         run};

}  // namespace fptrace::cli
