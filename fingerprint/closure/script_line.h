#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace fptrace {

// The program that `#!/usr/bin/env [-S] [NAME=VALUE]... PROGRAM` makes env look for in PATH;
// nullopt when `head` (the beginning of a script) is no such line. Pure.
std::optional<std::string> env_program(std::string_view head);

}  // namespace fptrace
