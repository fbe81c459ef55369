#include "fingerprint/packages/package_note.h"

#include <nlohmann/json.hpp>

namespace fptrace {

Result<Package> parse_package_note(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return fail(Errc::kParse, "package note: not a JSON object");
  const auto field = [&](const char* name) {
    const auto it = json.find(name);
    return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  Package p{field("type"), field("name"), field("version"), field("architecture")};
  if (p.manager == "deb") p.manager = "dpkg";
  if (p.manager.empty() || p.name.empty()) {
    return fail(Errc::kParse, "package note: no type or no name");
  }
  return p;
}

}  // namespace fptrace
