#include "fingerprint/text.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/machine_session.h"

namespace fptrace::cli {
namespace {

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace replay: " << printable(what) << '\n';
  return {kToolFailed};
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().size() != 1) return usage_error(ctx, kReplay, "name one recording");
  emu::ReplayRequest request;
  request.path = args.operands()[0];
  const Interruption interruption;
  auto replay = emu::prepare_replay(request);
  if (!replay) return failed(ctx, replay.error().what);
  const auto status = (*replay)->serve(pass_through, interruption.token());
  if (!status && interruption.signal() != 0) return {0, interruption.signal()};
  if (!status) return failed(ctx, status.error().what);
  return *status;
}

}  // namespace

const Subcommand kReplay{"replay",
                         "RECORDING",
                         "run a recording again, instruction by instruction the same",
                         {},
                         OperandRule::kAnywhere,
                         run};

}  // namespace fptrace::cli
