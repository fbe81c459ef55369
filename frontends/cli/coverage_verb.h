#pragma once
#include <memory>
#include <string>

#include "frontends/cli/replay_verbs.h"

namespace fptrace::cli {

// replay --coverage: one file PID-NAME.drcov a process into `directory`, which must not exist or be
// empty; an error otherwise.
Result<std::unique_ptr<Verb>> coverage_verb(std::string directory);

}  // namespace fptrace::cli
