#pragma once
#include <functional>
#include <string>
#include <vector>

#include "frontends/cli/backends.h"
#include "frontends/cli/results.h"
#include "frontends/cli/subcommand.h"

namespace fptrace::cli {

// What `run`, `attach` and `replay` have in common: prepares outputs and the tracer that `make`
// makes, traces `argv` (empty: what the tracer knows of), writes the results; after a trace that
// came to its end `more` may write some, too, and returns false when it could not. Returns what
// fptrace ends with.
ExitStatus trace(const Context& ctx, const Subcommand& self, const Arguments& args,
                 const std::vector<std::string>& argv, const WantedManifest& manifest,
                 const std::function<Result<NamedTracer>(TracerRequest)>& make,
                 const std::function<bool()>& more = {});

}  // namespace fptrace::cli
