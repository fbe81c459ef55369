#include "fingerprint/closure/script_line.h"

#include "common/syscall/exec_image.h"

namespace fptrace {

std::optional<std::string> env_program(std::string_view head) {
  const auto interpreter = script_interpreter(head);
  if (!interpreter || !(*interpreter == "env" || interpreter->ends_with("/env"))) {
    return std::nullopt;
  }
  std::string_view line = head.substr(0, head.find('\n'));
  line.remove_prefix(line.find(*interpreter) + interpreter->size());
  // The kernel passes all that follows as one argument; only -S splits it.
  bool splits = false;
  while (!line.empty()) {
    const size_t start = std::min(line.find_first_not_of(" \t\r"), line.size());
    line.remove_prefix(start);
    const size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    std::string_view word = line.substr(0, end);
    line.remove_prefix(end);
    if (word.starts_with("-S")) {
      splits = true;
      word.remove_prefix(2);
    }
    if (word.empty() || word.starts_with('-')) continue;
    if (splits && word.find('=') != word.npos) continue;
    return std::string(word);
  }
  return std::nullopt;
}

}  // namespace fptrace
