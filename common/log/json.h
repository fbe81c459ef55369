#pragma once
#include <string>

#include "common/event/event.h"

namespace fptrace {

// The event as one JSON object without line ends. Members that are empty or zero by default are
// left out where docs/log-format.md says so. A string that is not UTF-8 has its other bytes as
// "\xNN", and all its bytes in a second member NAME_bytes (base64); of a list with
// such a string all are there.
std::string to_json_line(const Event& event);

}  // namespace fptrace
