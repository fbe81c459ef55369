#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fptrace {

// The syntax of deb-control(5), which dpkg's status file and machine-readable copyright files
// share: paragraphs of "Name: value", each continued on lines that begin with a blank.
struct ControlField {
  std::string name;
  std::string value;  // lines joined by '\n', without the blank that each continuation begins with
  bool operator==(const ControlField&) const = default;
};
using ControlParagraph = std::vector<ControlField>;

// Pure. Errors name the 1-based line.
Result<std::vector<ControlParagraph>> parse_control_file(std::string_view text);

// Names of fields have no case. Empty when there is no such field.
std::string_view field(const ControlParagraph& paragraph, std::string_view name);

}  // namespace fptrace
