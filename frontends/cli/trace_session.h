#pragma once
#include <sys/types.h>

#include <vector>

#include "frontends/cli/subcommand.h"

namespace fptrace::cli {

// What `run` and `attach` have in common: prepares outputs and tracer, traces `argv` (or, when
// that is empty, the running processes `attach`), writes the results. Returns what fptrace ends
// with.
ExitStatus trace(const Context& ctx, const Subcommand& self, const Arguments& args,
                 const std::vector<std::string>& argv, std::vector<pid_t> attach);

}  // namespace fptrace::cli
