#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fptrace {

// Where a name that is to be executed leads.
struct FoundProgram {
  std::string path;  // relative if the name, or a directory of the search path, was
  int error = 0;     // errno; then there is no path
  // With an error: what was named, or the first that was found, and may not be executed.
  std::string refused;
};

// As execvp(3) looks for it: a name with a slash is the path, any other is looked for in the
// directories of `search`, which are separated by colons (an empty one is the current directory).
// What is there but may not be executed is passed over, and remembered as the reason. `check` says
// with an errno whether a path can be executed. Pure but for what that does.
FoundProgram search_program(const std::string& name, std::string_view search,
                            const std::function<int(const std::string& path)>& check);

// A `check` for this host's files: 0, or the errno of execve(2).
int host_program_error(const std::string& path);

// PATH, or what execvp(3) takes where it is not set.
std::string search_path();

// The file that execvp(3) would run on this host. Errors: kTracee with the errno of the search.
Result<std::string> find_program(const std::string& name);
// That error.
tl::unexpected<Error> program_not_found(const std::string& name, int error);

}  // namespace fptrace
