#pragma once
#include <string>
#include <vector>

#include "common/event/event.h"

namespace fptrace::testing {

// What the processes of a trace did, one line each, with names in place of pids: the root is p1,
// the children it made p1.1, p1.2, ... in the order it made them, theirs p1.1.1 and so on. So the
// lines do not depend on how processes interleave, only on what each did itself.
//
//   p1 exec:19_vfork fork:p1.1[VM,VFORK] exit:0
//   p1.1 exec-fails:ENOENT exec:helper_true exit:0
//
// Of the clone flags only those are shown that decide what parent and child share. Lines are in
// the order of the names.
std::vector<std::string> process_lines(const std::vector<Event>& events);

}  // namespace fptrace::testing
