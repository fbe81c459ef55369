#pragma once
#include <string>
#include <vector>

#include "common/base/result.h"

namespace fptrace::emu {

// Runs a short-lived helper without standard input and returns what it printed on standard output.
// Fails, with the end of what it printed on standard error, unless it exits with 0. `directory` is
// where it runs; empty: here.
Result<std::string> run_command(const std::vector<std::string>& argv,
                                const std::string& directory = {});

}  // namespace fptrace::emu
