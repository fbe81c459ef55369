#include "common/proc/os_release.h"

#include "common/proc/text_file.h"

namespace fptrace {

std::string os_name(std::string_view os_release) {
  constexpr std::string_view kName = "PRETTY_NAME=\"";
  const size_t at = os_release.starts_with(kName) ? 0 : os_release.find("\n" + std::string(kName));
  if (at == os_release.npos) return {};
  const size_t from = os_release.find('"', at) + 1;
  return std::string(os_release.substr(from, os_release.find('"', from) - from));
}

std::string os_name() { return os_name(read_text_file("/etc/os-release").value_or("")); }

}  // namespace fptrace
