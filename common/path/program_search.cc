#include "common/path/program_search.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace fptrace {

FoundProgram search_program(const std::string& name, std::string_view search,
                            const std::function<int(const std::string&)>& check) {
  if (name.empty()) return {"", ENOENT};
  if (name.find('/') != name.npos) {
    const int error = check(name);
    return error != 0 ? FoundProgram{"", error} : FoundProgram{name, 0};
  }
  int refused = ENOENT;
  for (size_t at = 0; at <= search.size();) {
    const size_t end = std::min(search.find(':', at), search.size());
    const std::string directory(search.substr(at, end - at));
    const std::string path = (directory.empty() ? "." : directory) + "/" + name;
    const int error = check(path);
    if (error == 0) return {path, 0};
    if (error == EACCES || error == EISDIR) refused = error;
    at = end + 1;
  }
  return {"", refused};
}

int host_program_error(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return errno;
  if (S_ISDIR(st.st_mode)) return EISDIR;
  const bool may = ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
  return S_ISREG(st.st_mode) && may ? 0 : EACCES;
}

std::string search_path() {
  const char* path = std::getenv("PATH");
  return path != nullptr ? path : "/bin:/usr/bin";
}

}  // namespace fptrace
