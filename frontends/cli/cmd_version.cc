#include "frontends/cli/commands.h"

namespace fptrace::cli {
namespace {

ExitStatus run(const Context& ctx, const Arguments&) {
  ctx.out << "fptrace " FPTRACE_VERSION "\n";
  return {};
}

}  // namespace

const Subcommand kVersion{"version", "", "show the version", {}, OperandRule::kNone, run};

}  // namespace fptrace::cli
