#pragma once
#include <memory>
#include <string>

#include "frontends/cli/replay_verbs.h"

namespace fptrace::cli {

// `file`: empty for standard output. `title` stands above the picture.
std::unique_ptr<Verb> timeline_verb(std::string file, bool json, std::string title);

}  // namespace fptrace::cli
