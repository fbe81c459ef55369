#pragma once
#include <string>

#include "common/analysis/taint_report.h"
#include "fingerprint/view/columns.h"

namespace fptrace {

struct TaintViewOptions {
  TextStyle style;
  size_t most_rows = 20;  // of each table; 0: all
};

// What was labelled, and where it went, as short tables.
std::string taint_text(const TaintReport& report, const TaintViewOptions& options);
// What only the second policy finds.
std::string difference_text(const TaintDifference& difference, const TextStyle& style);
// All of it, as one object; with what only the second policy finds, unless null. Ends in a newline.
std::string taint_json(const TaintReport& report, const TaintDifference* difference);
// source -> process -> output, for Graphviz's dot.
std::string taint_dot(const TaintReport& report);

}  // namespace fptrace
