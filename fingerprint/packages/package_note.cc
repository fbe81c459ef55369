#include "fingerprint/packages/package_note.h"

#include "fingerprint/packages/json_fields.h"

namespace fptrace {

Result<Package> parse_package_note(std::string_view text) {
  const auto json = parse_json_fields(text);
  if (!json) return fail(Errc::kParse, "package note: " + json.error().what);
  Package p{json->get("type"), json->get("name"), json->get("version"), json->get("architecture")};
  if (p.manager == "deb") p.manager = "dpkg";
  if (p.manager.empty() || p.name.empty()) {
    return fail(Errc::kParse, "package note: no type or no name");
  }
  return p;
}

}  // namespace fptrace
