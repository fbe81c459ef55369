#include "common/base/json_text.h"

#include <algorithm>

#include "common/base/text.h"

namespace fptrace {

void put(Json& to, const std::string& key, std::string_view bytes) {
  to[key] = readable(bytes);
  if (!is_utf8(bytes)) to[key + "_bytes"] = to_base64(bytes);
}

void put(Json& to, const std::string& key, const std::vector<std::string>& list) {
  Json texts = Json::array(), bytes = Json::array();
  for (const std::string& s : list) {
    texts.push_back(readable(s));
    bytes.push_back(to_base64(s));
  }
  to[key] = std::move(texts);
  if (!std::ranges::all_of(list, is_utf8)) to[key + "_bytes"] = std::move(bytes);
}

void put_nonempty(Json& to, const std::string& key, std::string_view bytes) {
  if (!bytes.empty()) put(to, key, bytes);
}
void put_nonempty(Json& to, const std::string& key, const std::vector<std::string>& list) {
  if (!list.empty()) put(to, key, list);
}

std::string lines(const Json& object) {
  std::string out = "{\n";
  for (auto it = object.begin(); it != object.end(); ++it) {
    out += " " + Json(it.key()).dump() + ": ";
    if (it->is_array() && !it->empty()) {
      out += "[\n";
      for (size_t i = 0; i < it->size(); ++i) {
        out += "  " + (*it)[i].dump() + (i + 1 < it->size() ? ",\n" : "\n");
      }
      out += " ]";
    } else {
      out += it->dump();
    }
    out += std::next(it) == object.end() ? "\n" : ",\n";
  }
  return out + "}\n";
}

}  // namespace fptrace
