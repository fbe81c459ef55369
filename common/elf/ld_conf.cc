#include "common/elf/ld_conf.h"

#include <fnmatch.h>

#include <algorithm>

namespace fptrace {
namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";
// ldconfig follows an include that includes itself for ever.
constexpr int kMaxDepth = 16;
constexpr size_t kMaxFiles = 1024;

std::string_view trim(std::string_view s) {
  s.remove_prefix(std::min(s.find_first_not_of(kBlanks), s.size()));
  return s.substr(0, s.find_last_not_of(kBlanks) + 1);
}

// "include A B" is two lines.
void add_includes(std::string_view patterns, std::vector<LdConfLine>& lines) {
  while (!(patterns = trim(patterns)).empty()) {
    const size_t end = std::min(patterns.find_first_of(kBlanks), patterns.size());
    lines.push_back({true, std::string(patterns.substr(0, end))});
    patterns.remove_prefix(end);
  }
}

bool is_word(std::string_view line, std::string_view word) {
  return line.starts_with(word) && line.size() > word.size() &&
         kBlanks.find(line[word.size()]) != kBlanks.npos;
}

// Existing paths that match `pattern`, sorted, like glob(3): component by component.
std::vector<std::string> expand(const std::string& pattern, const LdConfFiles& files) {
  std::vector<std::string> found{""};
  for (size_t at = 1; at <= pattern.size();) {
    const size_t end = std::min(pattern.find('/', at), pattern.size());
    const std::string part = pattern.substr(at, end - at);
    at = end + 1;
    if (part.empty()) continue;
    std::vector<std::string> next;
    for (const std::string& directory : found) {
      if (part.find_first_of("*?[\\") == part.npos) {
        next.push_back(directory + '/' + part);
        continue;
      }
      std::vector<std::string> names = files.list(directory.empty() ? "/" : directory);
      std::sort(names.begin(), names.end());
      for (const std::string& name : names) {
        if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
        next.push_back(directory + '/' + name);
      }
    }
    if (next.size() > kMaxFiles) next.resize(kMaxFiles);
    found = std::move(next);
  }
  return found;
}

class Collector {
 public:
  explicit Collector(const LdConfFiles& files) : files_(files) {}
  void read(const std::string& path, int depth) {
    if (depth > kMaxDepth || ++read_ > kMaxFiles) return;
    const auto text = files_.read(path);
    if (!text) return;
    for (const LdConfLine& line : parse_ld_conf(*text)) {
      if (!line.include) {
        add(line.text);
        continue;
      }
      const std::string pattern =
          line.text.starts_with('/') ? line.text : path.substr(0, path.rfind('/') + 1) + line.text;
      for (const std::string& file : expand(pattern, files_)) read(file, depth + 1);
    }
  }
  std::vector<std::string> directories;

 private:
  void add(const std::string& directory) {
    if (std::find(directories.begin(), directories.end(), directory) == directories.end()) {
      directories.push_back(directory);
    }
  }
  const LdConfFiles& files_;
  size_t read_ = 0;
};

}  // namespace

std::vector<LdConfLine> parse_ld_conf(std::string_view text) {
  std::vector<LdConfLine> lines;
  while (!text.empty()) {
    const size_t newline = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(std::min(newline + 1, text.size()));
    line = trim(line.substr(0, line.find('#')));
    if (is_word(line, "include")) {
      add_includes(line.substr(7), lines);
    } else if (!is_word(line, "hwcap") && line.starts_with('/') && line.find('\0') == line.npos) {
      // "DIRECTORY=TYPE" names the kind of its libraries, from the time of libc5.
      line = trim(line.substr(0, line.find('=')));
      while (line.size() > 1 && line.ends_with('/')) line.remove_suffix(1);
      lines.push_back({false, std::string(line)});
    }
  }
  return lines;
}

std::vector<std::string> ld_conf_directories(const LdConfFiles& files) {
  Collector collector(files);
  collector.read("/etc/ld.so.conf", 0);
  return std::move(collector.directories);
}

}  // namespace fptrace
