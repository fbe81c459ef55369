#pragma once
#include <map>
#include <string>
#include <vector>

#include "fingerprint/manifest.h"
#include "fingerprint/pack/plan.h"

namespace fptrace::pack {

// What is run inside the package.
struct PackCommand {
  std::vector<std::string> argv;
  std::string cwd;  // "/" when not known
  std::map<std::string, std::string> environment;
  std::vector<std::string> withheld;  // variables whose value is a secret
  std::string name;                   // of the program, fit for a file name: "ls"
};

// Values that are secrets are withheld, unless `keep_secrets` and the manifest has them.
PackCommand command_of(const Manifest& manifest, bool keep_secrets, std::vector<Note>& notes);

// Pure. A POSIX shell script that runs the command in the directory "rootfs" beside it.
std::string run_script(const PackCommand& command);
// Pure. One word of POSIX shell, whatever the bytes.
std::string shell_word(const std::string& text);

}  // namespace fptrace::pack
