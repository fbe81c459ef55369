#include "common/path/program_search.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace fptrace {

FoundProgram search_program(const std::string& name, std::string_view search,
                            const std::function<int(const std::string&)>& check) {
  if (name.empty()) return {"", ENOENT, ""};
  if (name.find('/') != name.npos) {
    const int error = check(name);
    return error != 0 ? FoundProgram{"", error, name} : FoundProgram{name, 0, ""};
  }
  FoundProgram none{"", ENOENT, ""};
  for (size_t at = 0; at <= search.size();) {
    const size_t end = std::min(search.find(':', at), search.size());
    const std::string directory(search.substr(at, end - at));
    const std::string path = (directory.empty() ? "." : directory) + "/" + name;
    const int error = check(path);
    if (error == 0) return {path, 0, ""};
    if (error == EACCES || error == EISDIR) {
      none.error = error;
      if (none.refused.empty()) none.refused = path;
    }
    at = end + 1;
  }
  return none;
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

Result<std::string> find_program(const std::string& name) {
  FoundProgram found = search_program(name, search_path(), host_program_error);
  if (found.error != 0) return program_not_found(name, found.error);
  return std::move(found.path);
}

tl::unexpected<Error> program_not_found(const std::string& name, int error) {
  const bool in_path = name.find('/') == std::string::npos && error == ENOENT;
  return fail(Errc::kTracee,
              "cannot run " + name + ": " +
                  (in_path ? "not found in PATH" : std::generic_category().message(error)),
              error);
}

}  // namespace fptrace
