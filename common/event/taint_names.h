#pragma once
#include <string_view>

#include "common/event/event.h"

// What logs and reports call things of taint.

namespace fptrace {

std::string_view name_of(TaintOrigin origin);  // "file", "stdin", "argument"
std::string_view name_of(TaintSink sink);      // "file", "pipe"
std::string_view name_of(TaintUse use);        // "branch"

}  // namespace fptrace
