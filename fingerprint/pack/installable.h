#pragma once
#include <string>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/manifest.h"
#include "fingerprint/pack/plan.h"

// What is needed on a system that can install the packages itself.
namespace fptrace::pack {

struct Installable {
  std::vector<Package> packages;   // of dpkg, with something that the run read; sorted
  std::vector<PackEntry> carried;  // what no package brings, with the directories above it
  std::string arch;                // Debian's name of the machine: "amd64"; empty: not known
};

// `with_config`: carry the packages' configuration files too, as they were read. Looks up the
// owners of links, which a manifest does not tell, below `root`.
Result<Installable> installable(const Manifest& manifest, const Plan& plan, const std::string& root,
                                bool with_config, std::vector<Note>& notes);

// Pure. Whether installing or configuring packages makes the file, so that no package lists it.
bool is_made_by_packages(const std::string& path);
// Pure. "x86_64" -> "amd64"; empty when not known.
std::string debian_arch(const std::string& machine);

}  // namespace fptrace::pack
