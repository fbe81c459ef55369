#pragma once
#include <string>

#include "fingerprint/packages/root_dir.h"

namespace fptrace {

// Calls `f(directory)` for each directory above an absolute path, the nearest first, without "/",
// until it returns true.
template <class F>
void for_each_ancestor(const std::string& path, F f) {
  for (std::string dir = parent_of(path); dir != "/"; dir = parent_of(dir)) {
    if (f(dir)) return;
  }
}

// The last component of a path.
inline std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace fptrace
