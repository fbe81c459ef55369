#pragma once
#include <memory>
#include <string>

#include "frontends/cli/replay_verbs.h"

namespace fptrace::cli {

// replay --find. kParse: what is to be found, or where, makes no sense.
Result<std::unique_ptr<Verb>> find_verb(const Arguments& args);

// "hex:0aff" as these bytes, anything else as it is.
Result<std::string> bytes_to_find(const std::string& text);

}  // namespace fptrace::cli
