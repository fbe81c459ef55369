#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fptrace {

// Of a JSON object: its members that are strings, and one that is a list of strings.
struct JsonFields {
  std::map<std::string, std::string, std::less<>> strings;
  std::vector<std::string> list;
  // Empty when there is none.
  std::string get(std::string_view name) const {
    const auto it = strings.find(name);
    return it == strings.end() ? std::string() : it->second;
  }
};

// Pure. Makes no tree of the rest, which can be a hundred times what is wanted.
Result<JsonFields> parse_json_fields(std::string_view text, std::string_view list = "");

}  // namespace fptrace
