#pragma once
#include <string>
#include <vector>

#include "fingerprint/manifest.h"
#include "tests/support/expectation.h"

namespace fptrace::testing {

// What in `manifest` is not as `expectation` says, one sentence each; empty: all is as it should.
// Under `exact_roots` (the scratch directory, the programs) every file, missing file and output
// must have been expected; elsewhere only what the expectation names is looked at. The case's own
// program is expected as an executable without saying so. `same_as` must have been read already.
std::vector<std::string> check_manifest(const Manifest& manifest, const Expectation& expectation,
                                        const std::vector<std::string>& exact_roots,
                                        const std::string& own_program);

Sha256 sha256_of(std::string_view content);

}  // namespace fptrace::testing
