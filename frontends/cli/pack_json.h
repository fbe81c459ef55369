#pragma once
#include <string>

#include "fingerprint/pack/pack.h"

namespace fptrace::cli {

// What was packed and what was left out, as one line of JSON.
std::string pack_json(const pack::PackReport& report, const std::string& out);

}  // namespace fptrace::cli
