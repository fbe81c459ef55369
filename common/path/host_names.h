#pragma once
#include <string>

#include "common/event/event.h"

namespace fptrace {

// For a task whose root directory is not the host's although its path says "/" (pivot_root in a
// mount namespace of its own): gives every file of the event its name on the host. `host_root` is
// the task's root there. What is mounted from elsewhere goes by FileRef::source, and keeps the
// name that the task sees where the host has none.
void to_host_names(EventBody& body, const std::string& host_root);

}  // namespace fptrace
