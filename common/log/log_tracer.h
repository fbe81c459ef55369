#pragma once
#include <memory>
#include <string>

#include "common/event/tracer.h"

namespace fptrace {

// Replays an event log: the recorded events, the recorded exit status. `Command` is ignored, the
// capabilities are those of the tracer that wrote the log. A damaged or unfinished log gives all
// events of its complete chunks, then the error. run() may be called again; `stop` ends it with an
// error, since the exit status has not been reached. Fails when `path` is no readable log.
Result<std::unique_ptr<Tracer>> make_log_tracer(const std::string& path);

}  // namespace fptrace
