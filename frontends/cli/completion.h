#pragma once
#include <span>
#include <string>

#include "frontends/cli/subcommand.h"

namespace fptrace::cli {

// The completion script of a shell, made from the subcommands' own tables. Pure.
std::string bash_completion(std::span<const Subcommand* const> commands);
std::string zsh_completion(std::span<const Subcommand* const> commands);
std::string fish_completion(std::span<const Subcommand* const> commands);

}  // namespace fptrace::cli
