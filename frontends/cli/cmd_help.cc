#include <algorithm>

#include "frontends/cli/commands.h"

namespace fptrace::cli {
namespace {

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().empty()) {
    print_overview(ctx.out);
    return {};
  }
  const auto all = subcommands();
  const auto it = std::ranges::find(all, args.operands()[0], &Subcommand::name);
  if (args.operands().size() > 1 || it == all.end()) {
    return usage_error(ctx, kHelp, "no command '" + args.operands().back() + "'");
  }
  print_help(ctx.out, **it);
  return {};
}

}  // namespace

const Subcommand kHelp{"help",
                       "[COMMAND]",
                       "show what fptrace or one of its commands can do",
                       {},
                       OperandRule::kAnywhere,
                       run};

}  // namespace fptrace::cli
