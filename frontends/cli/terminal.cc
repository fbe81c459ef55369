#include "frontends/cli/terminal.h"

#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace fptrace::cli {
namespace {

// What locale(7) says which variable counts. Asking the environment, not setlocale(3), keeps
// numbers and sorting as they are in every locale.
bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale(value);
    const size_t dot = locale.find('.');
    if (dot == locale.npos) return false;
    const char* charset = value + dot + 1;
    return ::strncasecmp(charset, "utf-8", 5) == 0 || ::strncasecmp(charset, "utf8", 4) == 0;
  }
  return false;
}

}  // namespace

TextStyle output_style(bool to_file, bool ascii) {
  TextStyle style{0, ascii || !locale_is_utf8()};
  winsize size{};
  if (!to_file && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) style.width = size.ws_col;
  return style;
}

}  // namespace fptrace::cli
