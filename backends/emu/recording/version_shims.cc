#include "backends/emu/recording/version_shims.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/base/directory.h"
#include "common/path/program_search.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;

// PYENV_VERSION of /home/me/.pyenv.
std::string variable_of(const fs::path& root) {
  std::string name = root.filename();
  name.erase(0, name.find_first_not_of('.'));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return char(std::toupper(c)); });
  return name + "_VERSION=";
}

// .python-version, .ruby-version.
bool names_a_version(const std::string& name) {
  return name.starts_with('.') && name.ends_with("-version");
}

class ShimReader {
 public:
  ShimReader(const fs::path& root, const std::string& name, const std::string& search)
      : versions_(root / "versions"), shims_(root / "shims"), name_(name), search_(search) {}

  void read_file(const fs::path& file) {
    std::ifstream in(file);
    if (!in) return;
    target_.settings.push_back(file);
    for (std::string line; std::getline(in, line);) take(line);
  }
  // Versions, apart by blanks or colons; a part of one stands for all that begin with it.
  void take(std::string text) {
    std::ranges::replace(text, ':', ' ');
    std::istringstream words(text);
    for (std::string version; words >> version;) {
      if (version == "system") add_system();
      for (const std::string& found : names_in(versions_))
        if (found == version || found.starts_with(version + "."))
          add(versions_ / found / "bin" / name_);
    }
  }
  ShimTarget& target() { return target_; }

 private:
  void add(const std::string& program) {
    if (host_program_error(program) == 0 && std::ranges::count(target_.programs, program) == 0)
      target_.programs.push_back(program);
  }
  // What would run without shims.
  void add_system() {
    const auto is_other = [this](const std::string& path) {
      return fs::path(path).parent_path() == shims_ ? ENOENT : host_program_error(path);
    };
    add(search_program(name_, search_, is_other).path);
  }

  const fs::path versions_, shims_;
  const std::string name_;
  const std::string& search_;
  ShimTarget target_;
};

}  // namespace

ShimTarget look_behind_shim(const std::string& program, const std::string& cwd,
                            const std::string& search, const std::vector<std::string>& env) {
  const fs::path shim = program, root = shim.parent_path().parent_path();
  std::error_code error;
  if (shim.parent_path().filename() != "shims" || !fs::is_directory(root / "versions", error))
    return {};
  ShimReader reader(root, shim.filename(), search);
  const std::string variable = variable_of(root);
  for (const std::string& one : env)
    if (one.starts_with(variable)) reader.take(one.substr(variable.size()));
  for (fs::path directory = cwd; !directory.empty(); directory = directory.parent_path()) {
    for (const std::string& name : names_in(directory))
      if (names_a_version(name)) reader.read_file(directory / name);
    if (directory == directory.root_path()) break;
  }
  reader.read_file(root / "version");
  for (const std::string& name : names_in(root))
    if (name.ends_with(".d")) reader.target().hooks.push_back(root / name);
  return std::move(reader.target());
}

}  // namespace fptrace::emu
