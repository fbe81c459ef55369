#pragma once
#include <string>

#include "fingerprint/manifest.h"

namespace fptrace {

struct GraphOptions {
  bool system_libraries = true;  // false: without libraries that belong to a package
};

// Process -> object -> file -> package, in Graphviz's DOT language
// (graphviz.org/doc/info/lang.html). Processes are those of the manifest, if it has any; equal ones
// with the same parent are one node with a count. Packages are boxes around their files. Data files
// of one directory with the same openers, and directories that were listed, are put together when
// they are many. Files that were only looked at are left out. Pure, and the same for equal
// manifests.
std::string to_dot(const Manifest& manifest, const GraphOptions& options = {});

}  // namespace fptrace
