#pragma once
#include <memory>
#include <string>

#include "frontends/cli/replay_verbs.h"

namespace fptrace::cli {

// replay --syscalls. Lines are written as the calls end. `file`: empty for standard output.
std::unique_ptr<Verb> calls_verb(const Context& ctx, std::string file, bool json);

}  // namespace fptrace::cli
