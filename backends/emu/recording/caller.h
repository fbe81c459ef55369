#pragma once
#include <string>

#include "backends/emu/guest/job.h"
#include "common/base/result.h"

namespace fptrace::emu {

// A job with all that a program would inherit from this process: user, environment, working
// directory, mask, limits, signals, and what kind of standard input it has. What is to be run is
// filled in by the caller.
Result<Job> job_of_this_process();

}  // namespace fptrace::emu
