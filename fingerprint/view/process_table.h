#pragma once
#include <string>
#include <vector>

#include "common/task/process_row.h"
#include "fingerprint/view/columns.h"

namespace fptrace {

// One line a process below a line of headings: numbers, user, state, start since boot, short name,
// program, arguments; its threads, if they are listed, on lines of their own, indented. As with
// ps(1), a kernel thread and a process that has ended have their short name in brackets for
// arguments.
std::string process_table_text(const std::vector<ProcessRow>& rows, const TextStyle& style);
// One JSON object a line. A string that is not UTF-8 has its exact bytes in a second key NAME_bytes
// (base64); a list with such a string has a second list of all.
std::string process_table_json(const std::vector<ProcessRow>& rows);

}  // namespace fptrace
