#pragma once
#include <string>

#include "common/analysis/timeline.h"
#include "fingerprint/view/columns.h"

namespace fptrace {

// Pictures of a timeline whose times are instructions of a guest. All pure.

// A line a process: number, names, share of the time, and a strip that is the darker where the more
// of the time was its own.
std::string timeline_text(const Timeline& timeline, const TextStyle& style);
// The same as an SVG image. Its size is bounded by the number of processes, not of switches.
std::string timeline_svg(const Timeline& timeline, const std::string& title);
// One JSON object a process, with every span.
std::string timeline_json(const Timeline& timeline);

}  // namespace fptrace
