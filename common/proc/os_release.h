#pragma once
#include <string>
#include <string_view>

namespace fptrace {

// PRETTY_NAME of the text of /etc/os-release (os-release(5)), as distributions write it: in double
// quotes. Empty when it is not there.
std::string os_name(std::string_view os_release);
// Of this host.
std::string os_name();

}  // namespace fptrace
