#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "common/event/event.h"

// How a person sees an event: names for numbers, and bytes as text.

namespace fptrace {

// "open", "exec", "path", "rename": the event's type, as filters and JSON name it.
std::string_view type_name(const Event& event);
// The same, or what it did where the type covers several calls: "unlink", "exchange", "umount".
std::string_view operation_name(const Event& event);
// The name that `type_name` or `operation_name` gives to some event.
bool is_event_name(std::string_view name);

std::string errno_name(int error);                       // "ENOENT"; "999" for one without a name
std::optional<int> errno_number(std::string_view name);  // of "ENOENT" or "2"
int32_t error_of(const Event& event);                    // 0 for success, and where there is none

// `bytes` in quotes, on one line, as UTF-8: `"`, `\`, control characters and what is not UTF-8 are
// escaped, so that no two byte strings look alike. A filter's path takes the same escapes.
std::string quote(std::string_view bytes);

// One line without its end: seq, time in seconds, pid (pid/tid for a thread), what, result.
std::string to_text_line(const Event& event);

}  // namespace fptrace
