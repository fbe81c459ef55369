#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/builder.h"
#include "fingerprint/manifest.h"

namespace fptrace {

struct StaticOptions {
  std::vector<std::string> files;  // absolute, within `root`
  // The same, of files that may turn out to be no programs: those are left out, and nothing is said
  // of what the others lack.
  std::vector<std::string> possible;
  std::string root;                         // "" is this host
  std::optional<std::string> library_path;  // as LD_LIBRARY_PATH
  bool packages = true;                     // look up owners of files
};

struct StaticClosure {
  Manifest manifest;
  std::vector<std::string> warnings;  // one sentence each: what was not found, and who needs it
};

// What the programs, scripts and libraries of `files` need before they do anything of their own,
// as the kernel and the loader would go about it, without running anything: interpreters, all
// libraries, what dlopen notes name, and the loader's own files. What they ask for when they run
// cannot be seen, and the manifest says so.
//
// Fails, with nothing made, if one of the files is not there (Error::sys ENOENT) or is not a
// program, script or library (kParse, or Error::sys EISDIR, EACCES).
Result<StaticClosure> make_static_closure(const StaticOptions& options);

}  // namespace fptrace
