#include "frontends/cli/pack_json.h"

#include <nlohmann/json.hpp>

namespace fptrace::cli {

std::string pack_json(const pack::PackReport& report, const std::string& out) {
  nlohmann::ordered_json j;
  j["output"] = out;
  j["files"] = report.files;
  j["bytes"] = report.bytes;
  if (!report.digest.empty()) j["digest"] = report.digest;
  j["notes"] = nlohmann::ordered_json::array();
  for (const pack::Note& note : report.notes) {
    nlohmann::ordered_json n;
    if (!note.path.empty()) n["path"] = note.path;
    n["text"] = note.text;
    j["notes"].push_back(std::move(n));
  }
  // Paths need not be UTF-8; JSON must be.
  return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace fptrace::cli
