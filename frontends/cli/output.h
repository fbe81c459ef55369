#pragma once
#include <string>
#include <string_view>

#include "frontends/cli/subcommand.h"

namespace fptrace::cli {

// To the file that --output names, as a whole or not at all, else (or for "-") to standard output.
Result<void> write_output(const Context& ctx, const Arguments& args, std::string_view text);

}  // namespace fptrace::cli
