#pragma once
#include <string>

#include "common/analysis/process_history.h"
#include "fingerprint/view/columns.h"

namespace fptrace {

struct TreeStyle {
  TextStyle text;
  bool times = false;  // how long each process ran
};

// One line a process: pid, what it ran (one program after the other, "->" between them; in
// parentheses what it took over from its parent) and in brackets how it ended and what else is
// remarkable. Very deep levels are drawn with their depth as a number.
std::string tree_text(const ProcessHistory& history, const TreeStyle& style);

// One object a process, in the same order, not nested: trees may be deeper than a parser likes.
std::string tree_json(const ProcessHistory& history);

}  // namespace fptrace
