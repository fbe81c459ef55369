#pragma once
#include <set>
#include <string>
#include <vector>

#include "fingerprint/packages/package.h"

namespace fptrace {

// To whom a file belongs.
struct Ownership {
  std::vector<Package> packages;  // the first is the one to name when only one can be
  bool config = false;            // one of them lists it as a configuration file
  bool operator==(const Ownership&) const = default;
};

// What could not be read, one sentence each, naming the file.
using Problems = std::set<std::string>;

// One kind of package. Not thread-safe: a source reads its databases when it is first asked for a
// file that they could know.
class OwnerSource {
 public:
  virtual ~OwnerSource() = default;
  // `path` is canonical and absolute, in the root that the source was made for.
  virtual Ownership find(const std::string& path) = 0;
};

}  // namespace fptrace
