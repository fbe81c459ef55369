#include "backends/emu/recording/forecast.h"

#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <set>
#include <utility>

#include "backends/emu/recording/version_shims.h"
#include "common/base/directory.h"
#include "common/path/program_search.h"
#include "common/syscall/exec_image.h"

namespace fptrace::emu {
namespace {

// More than a person writes; what is larger is no script.
constexpr uint64_t kLargestScript = 1 << 20;
constexpr uint64_t kLargestProgram = 64 << 20;
constexpr size_t kMostScripts = 64, kMostPrograms = 256;
constexpr size_t kLongestName = 32, kLongestPath = 128;

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '/' || c == '+' || c == '-' || c == '@' || c == '%';
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == '+';
}

// Empty when it is larger, or cannot be read.
std::string read_up_to(const std::string& path, uint64_t most) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode) || uint64_t(st.st_size) > most)
    return {};
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool is_regular(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode);
}

bool is_directory(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

// /usr/share/perl/5.36, and not /usr/lib or /etc.
bool is_home(const std::string& path) {
  constexpr auto kLeastNames = 3;
  return path.starts_with('/') && !path.ends_with('/') &&
         std::ranges::count(path, '/') >= kLeastNames && is_directory(path);
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// sh, bash, dash, zsh, ksh, mksh, and what has these names with a path.
bool is_shell(const std::string& program) { return base_name(program).ends_with("sh"); }

bool is_make(const std::string& program) {
  const std::string name = base_name(program);
  return name == "make" || name == "gmake";
}

bool is_binary(std::string_view text) { return text.find('\0') != text.npos; }

class Forecaster {
 public:
  explicit Forecaster(const ForecastRequest& request) : request_(request) {}

  Forecast run() {
    const std::string program = absolute(request_.program);
    known_.insert(program);
    look_into(program);
    const bool shell = is_shell(program) || runs_in_shell_;
    for (size_t i = 1; i < request_.argv.size(); ++i) {
      scan(request_.argv[i]);
      for (const std::string& word : words_of(request_.argv[i]))
        if (is_directory(absolute(word))) out_.directories.push_back(absolute(word));
      // `sh script`: no execute permission is needed, nor a first line that names the shell.
      const std::string file = absolute(request_.argv[i]);
      if (shell && is_regular(file)) scan_script(file);
    }
    if (is_make(program)) scan_makefiles();
    for (const std::string& variable : request_.env) {
      const size_t value = std::min(variable.find('='), variable.size());
      if (variable.starts_with("_=")) continue;  // a shell's: what it ran last
      for (const std::string& word : words_of(std::string_view(variable).substr(value)))
        if (word.starts_with('/')) take_place(word);
    }
    while (!todo_.empty()) {
      const std::string next = std::move(todo_.front());
      todo_.pop_front();
      look_into(next);
    }
    return std::move(out_);
  }

 private:
  std::string absolute(const std::string& path) const {
    return path.starts_with('/') ? path : request_.cwd + "/" + path;
  }

  void scan(std::string_view text) {
    for (const std::string& word : words_of(text)) take(word);
  }

  void take(const std::string& word) {
    if (!words_.insert(word).second) return;
    const std::string here = absolute(word);
    if (is_regular(here)) {
      if (host_program_error(here) == 0) return add_program(here);
      if (known_.insert(here).second) out_.files.push_back(here);
      return;
    }
    if (word.find('/') != word.npos) return;
    const FoundProgram found = search_program(word, request_.search, host_program_error);
    if (found.error == 0) add_program(absolute(found.path));
  }

  void take_place(const std::string& path) {
    if (is_directory(path)) {
      out_.places.push_back(path);
    } else {
      take(path);
    }
  }

  void add_program(const std::string& path) {
    if (out_.programs.size() >= kMostPrograms || !known_.insert(path).second) return;
    out_.programs.push_back(path);
    todo_.push_back(path);
  }

  // Of the working directory, and of those that the command names (-C).
  void scan_makefiles() {
    std::vector<std::string> directories = out_.directories;
    directories.push_back(request_.cwd);
    for (const std::string& directory : directories)
      for (const char* name : {"GNUmakefile", "makefile", "Makefile"})
        scan_script(directory + "/" + name);
    // What make has in its variables by itself (default.c in GNU make).
    for (const auto& [variable, program] :
         {std::pair("CC", "cc"), {"CXX", "g++"}, {"AR", "ar"}, {"LD", "ld"}, {"AS", "as"}})
      if (words_.contains(variable)) take(program);
  }

  void look_behind(const std::string& shim) {
    const ShimTarget target = look_behind_shim(shim, request_.cwd, request_.search, request_.env);
    for (const std::string& path : target.settings)
      if (known_.insert(path).second) out_.files.push_back(path);
    for (const std::string& path : target.hooks)
      if (known_.insert(path).second) out_.homes.push_back(path);
    for (const std::string& path : target.programs) add_program(path);
  }

  // pyenv-which and pyenv-exec of pyenv: scripts that it runs by names put together.
  void add_subcommands(const std::string& script) {
    const std::string directory = script.substr(0, script.rfind('/') + 1);
    const std::string prefix = base_name(script) + "-";
    for (const std::string& name : names_in(directory))
      if (name.starts_with(prefix) && host_program_error(directory + name) == 0)
        add_program(directory + name);
  }

  // A program may start others, too.
  void look_into(const std::string& path) {
    look_behind(path);
    const std::string text = read_up_to(path, kLargestProgram);
    const auto interpreter = script_interpreter(text);
    if (!interpreter) {
      // The text of a shell names most programs there are: those that are its own commands, too.
      if (text.starts_with("\177ELF") && !is_shell(path)) mention(text);
      return;
    }
    const std::string line = text.substr(0, text.find('\n'));
    if (!is_shell(*interpreter) && !is_shell(line.substr(0, line.find_last_not_of(" \t\r") + 1)))
      return;
    runs_in_shell_ = true;
    scan_script(path);
    add_subcommands(path);
  }

  void scan_script(const std::string& path) {
    if (scripts_.size() >= kMostScripts || !scripts_.insert(path).second) return;
    const std::string text = read_up_to(path, kLargestScript);
    if (!is_binary(text)) scan(text);
  }

  void mention(std::string_view text) {
    const auto& commands = all_commands();
    for (const std::string& name : names_in_program(text)) {
      if (name.starts_with('/') && is_regular(name) && known_.insert(name).second)
        out_.mentioned.push_back(name);
      if (is_home(name) && known_.insert(name).second) out_.homes.push_back(name);
      if (!commands.contains(name)) continue;
      const FoundProgram found = search_program(name, request_.search, host_program_error);
      if (found.error == 0 && known_.insert(absolute(found.path)).second)
        out_.mentioned.push_back(absolute(found.path));
    }
  }

  // Of PATH: to ask for each of thousands of words would take longer.
  const std::set<std::string, std::less<>>& all_commands() {
    if (!commands_.empty()) return commands_;
    commands_.insert("");  // never one's name
    const std::string& search = request_.search;
    for (size_t at = 0; at <= search.size();) {
      const size_t end = std::min(search.find(':', at), search.size());
      const auto names = names_in(absolute(search.substr(at, end - at)));
      commands_.insert(names.begin(), names.end());
      at = end + 1;
    }
    return commands_;
  }

  const ForecastRequest& request_;
  Forecast out_;
  std::set<std::string> words_, scripts_, known_;
  std::set<std::string, std::less<>> commands_;
  std::deque<std::string> todo_;
  bool runs_in_shell_ = false;
};

}  // namespace

Forecast make_forecast(const ForecastRequest& request) { return Forecaster(request).run(); }

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : '\n';
    if (is_word_char(c)) {
      word += c;
      continue;
    }
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
    // A comment: up to the end of its line.
    const bool starts = c == '#' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t' ||
                                     text[i - 1] == '\n' || text[i - 1] == ';');
    if (starts) i = std::min(text.find('\n', i), text.size());
  }
  return words;
}

std::vector<std::string> names_in_program(std::string_view file) {
  std::vector<std::string> names;
  for (size_t at = 0; at < file.size();) {
    const size_t end = std::min(file.find('\0', at), file.size());
    const std::string_view text = file.substr(at, end - at);
    const bool path = text.starts_with('/');
    bool name =
        text.size() >= 2 && text.size() <= (path ? kLongestPath : kLongestName) && text[0] != '-';
    for (size_t i = 0; name && i < text.size(); ++i)
      name = is_name_char(text[i]) || (path && text[i] == '/');
    if (name) names.emplace_back(text);
    at = end + 1;
  }
  return names;
}

}  // namespace fptrace::emu
