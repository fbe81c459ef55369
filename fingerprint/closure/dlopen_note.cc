#include "fingerprint/closure/dlopen_note.h"

#include <nlohmann/json.hpp>

namespace fptrace {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxNote = 1 << 20;  // also bounds how deep the parser may have to go

DlopenNote read_entry(const Json& entry) {
  DlopenNote note;
  const auto sonames = entry.find("soname");
  if (sonames == entry.end() || !sonames->is_array()) return note;
  for (const Json& name : *sonames) {
    // A name with a NUL in it cannot be one of a file.
    if (name.is_string() && name.get_ref<const std::string&>().find('\0') == std::string::npos) {
      note.sonames.push_back(name.get<std::string>());
    }
  }
  const auto priority = entry.find("priority");
  note.required = priority != entry.end() && priority->is_string() && *priority == "required";
  return note;
}

}  // namespace

std::vector<DlopenNote> parse_dlopen_note(const std::string& text) {
  if (text.size() > kMaxNote) return {};
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<DlopenNote> notes;
  if (!json.is_array()) return notes;
  for (const Json& entry : json) {
    if (!entry.is_object()) continue;
    DlopenNote note = read_entry(entry);
    if (!note.sonames.empty()) notes.push_back(std::move(note));
  }
  return notes;
}

}  // namespace fptrace
