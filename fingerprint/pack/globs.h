#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace fptrace::pack {

// Pure. `*` and `?` stop at a slash, `**` does not, `[a-z]` and `[!a-z]` are sets, a backslash
// takes the next byte as it is. A pattern without a slash at its start matches at any depth
// ("*.pem", "cache/*"). What matches a directory matches everything below it. Bytes, not
// characters.
bool glob_matches(std::string_view pattern, std::string_view path);

// --include and --exclude in the order in which they were given: the last that matches decides.
struct GlobRule {
  bool include = true;
  std::string pattern;
};
enum class Verdict { kNone, kInclude, kExclude };
Verdict decide(const std::vector<GlobRule>& rules, const std::vector<std::string>& names);

}  // namespace fptrace::pack
