#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fptrace {

// One line of ld.so.conf: a directory, or a pattern of files to read in its place.
struct LdConfLine {
  bool include = false;
  std::string text;
  bool operator==(const LdConfLine&) const = default;
};

// Pure; never fails: ldconfig ignores what it does not understand, too (and `hwcap` lines).
std::vector<LdConfLine> parse_ld_conf(std::string_view text);

// How ld.so.conf reaches files: by path within the system it belongs to.
struct LdConfFiles {
  std::function<std::optional<std::string>(const std::string& path)> read;
  std::function<std::vector<std::string>(const std::string& directory)> list;  // names, any order
};

// The directories that ldconfig would look into for /etc/ld.so.conf, in order, each once.
std::vector<std::string> ld_conf_directories(const LdConfFiles& files);

}  // namespace fptrace
