#pragma once
#include <string>

#include "frontends/cli/subcommand.h"

namespace fptrace::cli {

// Why a program could not be started, and what a shell would exit with.
struct StartFailure {
  int code = 0;          // 126 or 127
  std::string sentence;  // "./x: is a directory"
};

// `program` is argv[0] as it was given, `err` the errno of execve, `path` the value of $PATH.
// Looks at the file again to tell the causes apart that share an errno.
StartFailure explain_start_failure(const std::string& program, int err, const std::string& path);

// Says why the tracer did not start `program`: `error` has the errno of execve. Returns what
// fptrace ends with.
ExitStatus not_started(const Context& ctx, const Arguments& args, const std::string& program,
                       const Error& error);

}  // namespace fptrace::cli
