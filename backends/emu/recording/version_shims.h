#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace fptrace::emu {

// Where the shims of pyenv, rbenv, nodenv and their like lead. ROOT/shims/NAME is a script that
// asks the environment, the working directory and ROOT which ROOT/versions/VERSION/bin/NAME to run.
struct ShimTarget {
  std::vector<std::string> settings;  // files that name a version
  std::vector<std::string> hooks;     // directories of scripts that it runs on the way
  std::vector<std::string> programs;  // of each version that is named anywhere
};
// Reads the file system, and runs nothing. `program` and `cwd` are absolute, `search` is PATH,
// `env` has NAME=VALUE. Nothing for what is no shim.
ShimTarget look_behind_shim(const std::string& program, const std::string& cwd,
                            const std::string& search, const std::vector<std::string>& env);

}  // namespace fptrace::emu
