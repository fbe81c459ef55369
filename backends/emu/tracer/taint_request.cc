#include "backends/emu/tracer/taint_request.h"

#include "common/base/scanner.h"

namespace fptrace::emu {

Result<TaintSettings::File> parse_taint_file(std::string_view text) {
  TaintSettings::File file;
  const size_t colon = text.rfind(':');
  const auto is_range = [](std::string_view s) {
    return !s.empty() && s.find_first_not_of("0123456789-") == s.npos && s.find('-') != s.npos;
  };
  file.path = text;
  if (colon != text.npos && is_range(text.substr(colon + 1))) {
    file.path = text.substr(0, colon);
    Scanner s(text.substr(colon + 1));
    const bool open_end = text.ends_with('-');
    if (!s.dec(file.from) || !s.lit("-") || (!open_end && !s.dec(file.to)) || !s.rest().empty())
      return fail(Errc::kParse,
                  "'" + std::string(text.substr(colon + 1)) + "' is not FROM-TO, as in 0-15");
    if (file.from > file.to)
      return fail(Errc::kParse, "the range " + std::string(text.substr(colon + 1)) + " of '" +
                                    file.path + "' ends before it begins");
  }
  if (file.path.empty()) return fail(Errc::kParse, "a file's path is missing");
  return file;
}

}  // namespace fptrace::emu
