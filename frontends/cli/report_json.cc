#include "frontends/cli/report_json.h"

#include "fingerprint/text.h"

namespace fptrace::cli {

void put(Json& to, const std::string& key, const std::string& bytes) {
  to[key] = readable(bytes);
  if (!is_utf8(bytes)) to[key + "_bytes"] = to_base64(bytes);
}

void put(Json& to, const std::string& key, const std::vector<std::string>& list) {
  Json texts = Json::array(), bytes = Json::array();
  bool all_utf8 = true;
  for (const std::string& s : list) {
    texts.push_back(readable(s));
    bytes.push_back(to_base64(s));
    all_utf8 = all_utf8 && is_utf8(s);
  }
  to[key] = std::move(texts);
  if (!all_utf8) to[key + "_bytes"] = std::move(bytes);
}

Json package_json(const Package& p) {
  Json j;
  put(j, "manager", p.manager);
  put(j, "name", p.name);
  put(j, "version", p.version);
  put(j, "arch", p.arch);
  return j;
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

}  // namespace fptrace::cli
