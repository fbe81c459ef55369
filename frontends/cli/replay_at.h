#pragma once
#include <string>

#include "backends/emu/tracer/moment.h"
#include "frontends/cli/subcommand.h"

namespace fptrace::cli {

// Replays the recording at `path` to `moment` and calls `look` there, with the guest standing
// still. The program's output is not shown. Errors: those of Tracer::run(), and of `look`. A signal
// that would end fptrace ends the replay instead, with an error; `signal` then has it.
Result<void> look_at(const std::string& path, emu::Moment moment, const emu::AtMoment::Look& look,
                     int& signal);

}  // namespace fptrace::cli
