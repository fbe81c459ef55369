#include "frontends/cli/commands.h"
#include "frontends/cli/completion.h"

namespace fptrace::cli {
namespace {

ExitStatus run(const Context& ctx, const Arguments& args) {
  const auto& shell = args.operands();
  if (shell.size() == 1 && shell[0] == "bash") {
    ctx.out << bash_completion(subcommands());
  } else if (shell.size() == 1 && shell[0] == "zsh") {
    ctx.out << zsh_completion(subcommands());
  } else if (shell.size() == 1 && shell[0] == "fish") {
    ctx.out << fish_completion(subcommands());
  } else {
    return usage_error(ctx, kCompletion, "name a shell");
  }
  return {};
}

}  // namespace

const Subcommand kCompletion{
    "completion", "bash|zsh|fish",        "print a shell's completion script",
    {},           OperandRule::kAnywhere, run,
    true};

}  // namespace fptrace::cli
