#include "fingerprint/packages/gem.h"

#include <algorithm>

#include "fingerprint/packages/ancestors.h"
#include "fingerprint/packages/path_table.h"

namespace fptrace {
namespace {

std::string_view next_word(std::string_view& rest) {
  rest = trimmed(rest);
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

// The string in `s.FIELD = "VALUE".freeze` (or in single quotes); empty when the line is another.
std::string_view assigned(std::string_view line, std::string_view field) {
  line = trimmed(line);
  const size_t dot = line.find('.');
  if (dot == line.npos || !line.substr(dot + 1).starts_with(field)) return {};
  std::string_view rest = trimmed(line.substr(dot + 1 + field.size()));
  if (!rest.starts_with('=')) return {};
  rest = trimmed(rest.substr(1));
  if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return {};
  const size_t end = rest.find(rest[0], 1);
  return end == rest.npos ? std::string_view() : rest.substr(1, end - 1);
}

}  // namespace

Result<Package> parse_gemspec(std::string_view text) {
  Package p{"gem", "", "", ""};
  const auto take = [](std::string& field, std::string_view value) {
    if (field.empty()) field = value;
  };
  for_each_line(text, [&](size_t, std::string_view line) {
    if (line.starts_with("# stub: ")) {  // NAME VERSION PLATFORM REQUIRE_PATHS
      std::string_view rest = line.substr(8);
      take(p.name, next_word(rest));
      take(p.version, next_word(rest));
      take(p.arch, next_word(rest));
      return false;
    }
    take(p.name, assigned(line, "name"));
    take(p.version, assigned(line, "version"));
    take(p.arch, assigned(line, "platform"));
    return true;
  });
  if (p.name.empty() || p.version.empty()) return fail(Errc::kParse, "no plain name and version");
  if (p.arch == "ruby") p.arch.clear();
  return p;
}

const std::optional<Package>& RubyGems::gem(const std::string& dir, const std::string& full_name) {
  const auto [it, is_new] = gems_.try_emplace(dir + "/" + full_name);
  if (!is_new) return it->second;
  for (const char* folder : {"/specifications/", "/specifications/default/"}) {
    const std::string path = dir + folder + full_name + ".gemspec";
    if (!root_.exists(path)) continue;
    const auto text = root_.read(path);
    auto package = text ? parse_gemspec(*text) : fail(text.error());
    if (package) {
      it->second = std::move(*package);
      break;
    }
    problems_.insert(root_.shown(path) + ": " + package.error().what);
  }
  return it->second;
}

Ownership RubyGems::find(const std::string& path) {
  Ownership out;
  const auto try_gem = [&](const std::string& dir, const std::string& full_name) {
    if (const auto& found = gem(dir, full_name)) out.packages.push_back(*found);
    return !out.packages.empty();
  };
  const std::string folder = parent_of(path);
  if (path.ends_with(".gemspec") && base_name(folder) == "specifications") {
    const std::string file = base_name(path);
    if (try_gem(parent_of(folder), file.substr(0, file.size() - 8))) return out;
  }
  for_each_ancestor(path, [&](const std::string& dir) {
    const std::string up = parent_of(dir), up3 = parent_of(parent_of(up));
    if (base_name(up) == "gems") return try_gem(parent_of(up), base_name(dir));
    if (base_name(up3) == "extensions") return try_gem(parent_of(up3), base_name(dir));
    return false;
  });
  return out;
}

}  // namespace fptrace
