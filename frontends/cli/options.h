#pragma once
#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/result.h"

// The only way the command line is read. Hides the option library, so that one file includes it.

namespace fptrace::cli {

// One option of a subcommand. Help, man page checks and shell completions read the same table.
struct Option {
  char letter = 0;        // 0: none
  std::string_view name;  // without the dashes
  // "FILE"; in lower case ("json|pb") all there is; "[=FILE]": may be left away, and stands in the
  // same word; empty: a switch.
  std::string_view value;
  std::string_view help;
};

// One table out of several, for a subcommand that shares some of its options with others.
template <class... Tables>
constexpr auto join(const Tables&... tables) {
  std::array<Option, (sizeof(Tables) + ...) / sizeof(Option)> all{};
  size_t at = 0;
  ((at = size_t(std::ranges::copy(tables, all.begin() + std::ptrdiff_t(at)).out - all.begin())),
   ...);
  return all;
}

enum class OperandRule {
  kNone,      // no operands at all
  kAnywhere,  // operands and options in any order, `--` ends the options
  kProgram,   // the first operand ends the options (POSIX): all after it belongs to the program
};

// What was given. `name` is always one of the subcommand's own options.
class Arguments {
 public:
  bool has(std::string_view name) const { return values_.contains(name); }
  // The last one given wins; `otherwise` when none was.
  std::string value(std::string_view name, std::string_view otherwise = {}) const;
  // All that were given, in order, for an option that may be repeated.
  std::vector<std::string> values(std::string_view name) const;
  // The options that took a value, with it, in the order they were given.
  const std::vector<std::pair<std::string, std::string>>& in_order() const { return in_order_; }
  const std::vector<std::string>& operands() const { return operands_; }
  bool help() const { return has("help"); }

 private:
  friend Result<Arguments> parse_arguments(std::span<const Option>, OperandRule,
                                           std::span<const std::string_view>);
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::pair<std::string, std::string>> in_order_;
  std::vector<std::string> operands_;
};

// Every subcommand has -h and --help besides its own options. An error (kParse) is a usage error.
Result<Arguments> parse_arguments(std::span<const Option> options, OperandRule rule,
                                  std::span<const std::string_view> args);

// A value follows in the next word, or may do so.
bool takes_word(const Option& option);
// The values of a closed set ("json|pb"), to which every value is held; empty when `option` takes
// anything or nothing.
std::vector<std::string_view> choices(const Option& option);

// A count or a pid: all of `text`, decimal, within [low, high].
Result<int64_t> parse_number(std::string_view text, int64_t low, int64_t high);

}  // namespace fptrace::cli
