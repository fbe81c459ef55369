#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace fptrace::emu {

// What a command will probably ask for when it runs. Nothing is run: it is guessed from what the
// command and its scripts say, and so it is sometimes too much, and sometimes too little: names
// that are put together at run time, or come from a configuration, are not found.
struct ForecastRequest {
  std::string program;  // the file that is executed, as seen from `cwd`
  std::vector<std::string> argv;
  std::string cwd;     // absolute
  std::string search;  // the variable PATH
  std::vector<std::string> env;
};
struct Forecast {
  // Absolute paths on this host, each once and in order.
  std::vector<std::string> programs;     // that the command's words name, or its shell scripts'
  std::vector<std::string> mentioned;    // whose names stand in the text of one of these programs
  std::vector<std::string> homes;        // directories whose names stand there
  std::vector<std::string> files;        // other regular files that words name
  std::vector<std::string> directories;  // that arguments name
  std::vector<std::string> places;       // directories that variables name
};
Forecast make_forecast(const ForecastRequest& request);

// Pure: what may be a file's or a program's name in the text of a command or script, whatever
// stands between: `for f in *.c; do "$CC" -c $f | tee log.txt; done` has, among others, c, tee and
// log.txt. In order, with repetitions.
std::vector<std::string> words_of(std::string_view text);

// Pure: the strings that stand by themselves (between two NULs) in a program's file and may be the
// name of a program that it starts (letters, digits and dashes, up to 32) or a whole path.
std::vector<std::string> names_in_program(std::string_view file);

}  // namespace fptrace::emu
