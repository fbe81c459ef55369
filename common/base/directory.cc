#include "common/base/directory.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace fptrace {

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end;
       it.increment(error))
    names.push_back(it->path().filename());
  std::ranges::sort(names);
  return names;
}

}  // namespace fptrace
