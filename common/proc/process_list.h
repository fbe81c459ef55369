#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/task/process_row.h"

namespace fptrace {

// The processes of this host, in the order of their numbers, by the procfs at `proc`. One that ends
// while it is looked at is left out; what the caller may not see of one (exe, cwd) stays empty.
Result<std::vector<ProcessRow>> list_host_processes(bool threads,
                                                    const std::string& proc = "/proc");

}  // namespace fptrace
