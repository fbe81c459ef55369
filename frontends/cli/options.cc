#include "frontends/cli/options.h"

#include <algorithm>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <charconv>

namespace fptrace::cli {
namespace {

namespace po = boost::program_options;

constexpr Option kHelpOption{'h', "help", "", "show this help"};

// How many of `args` are options and their values, when the first operand ends the options. The
// library has no such mode: it would look for options behind the program's name too.
size_t count_options(std::span<const Option> options, std::span<const std::string_view> args) {
  const auto takes_value = [&](auto&& same) {
    const auto it = std::ranges::find_if(options, same);
    return it != options.end() && takes_word(*it);
  };
  size_t i = 0;
  while (i < args.size() && args[i].size() > 1 && args[i][0] == '-' && args[i] != "--") {
    const std::string_view arg = args[i++];
    bool wants_next = false;
    if (arg[1] == '-') {
      wants_next = takes_value([&](const Option& o) { return o.name == arg.substr(2); });
    } else {
      // In a cluster (-qo FILE) the first letter that takes a value has the rest of it, if any.
      for (size_t at = 1; at < arg.size(); ++at) {
        if (!takes_value([&](const Option& o) { return o.letter == arg[at]; })) continue;
        wants_next = at + 1 == arg.size();
        break;
      }
    }
    if (wants_next && i < args.size()) ++i;
  }
  return i;
}

void describe(po::options_description& all, const Option& o) {
  std::string name(o.name);
  if (o.letter != 0) (name += ',') += o.letter;
  if (o.value.empty()) {
    all.add_options()(name.c_str(), "");
  } else if (!takes_word(o)) {
    all.add_options()(name.c_str(), po::value<std::string>()->implicit_value(""), "");
  } else {
    all.add_options()(name.c_str(), po::value<std::string>(), "");
  }
}

Result<void> check_choice(std::span<const Option> options, const std::string& name,
                          const std::string& value) {
  const auto o = std::ranges::find(options, name, &Option::name);
  if (o == options.end() || o->value.empty()) return {};
  const auto allowed = choices(*o);
  if (allowed.empty() || std::ranges::find(allowed, value) != allowed.end()) return {};
  return fail(Errc::kParse,
              "--" + name + " is one of " + std::string(o->value) + ", not '" + value + "'");
}

}  // namespace

std::string Arguments::value(std::string_view name, std::string_view otherwise) const {
  const auto it = values_.find(name);
  return it == values_.end() || it->second.empty() ? std::string(otherwise) : it->second.back();
}

std::vector<std::string> Arguments::values(std::string_view name) const {
  const auto it = values_.find(name);
  return it == values_.end() ? std::vector<std::string>() : it->second;
}

bool takes_word(const Option& option) { return !option.value.empty() && option.value[0] != '['; }

std::vector<std::string_view> choices(const Option& option) {
  std::vector<std::string_view> out;
  if (option.value.empty() || option.value[0] < 'a' || option.value[0] > 'z') return out;
  for (std::string_view rest = option.value;;) {
    const size_t bar = rest.find('|');
    out.push_back(rest.substr(0, bar));
    if (bar == std::string_view::npos) return out;
    rest.remove_prefix(bar + 1);
  }
}

Result<Arguments> parse_arguments(std::span<const Option> options, OperandRule rule,
                                  std::span<const std::string_view> args) {
  po::options_description all;
  describe(all, kHelpOption);
  for (const auto& o : options) describe(all, o);

  Arguments out;
  if (rule == OperandRule::kProgram) {
    size_t program = count_options(options, args);
    const auto head = args.first(program);
    if (program < args.size() && args[program] == "--") ++program;
    for (const auto a : args.subspan(program)) out.operands_.emplace_back(a);
    args = head;
  }
  try {
    using namespace po::command_line_style;
    const auto parsed =
        po::command_line_parser(std::vector<std::string>(args.begin(), args.end()))
            .options(all)
            .style(allow_long | long_allow_adjacent | long_allow_next | allow_short |
                   allow_dash_for_short | short_allow_adjacent | short_allow_next | allow_sticky)
            .run();
    for (const auto& o : parsed.options) {
      if (o.position_key >= 0) {
        out.operands_.insert(out.operands_.end(), o.value.begin(), o.value.end());
        continue;
      }
      auto& values = out.values_[o.string_key];
      // Boost gives an option that may have a value the operand behind it.
      const auto option = std::ranges::find(options, o.string_key, &Option::name);
      if (option != options.end() && !option->value.empty() && !takes_word(*option) &&
          o.original_tokens.front().find('=') == std::string::npos) {
        out.operands_.insert(out.operands_.end(), o.value.begin(), o.value.end());
        continue;
      }
      for (const auto& v : o.value) {
        if (auto ok = check_choice(options, o.string_key, v); !ok) return fail(ok.error());
        values.push_back(v);
        out.in_order_.emplace_back(o.string_key, v);
      }
    }
  } catch (const po::error& e) { return fail(Errc::kParse, e.what()); }
  if (rule == OperandRule::kNone && !out.operands_.empty() && !out.help()) {
    return fail(Errc::kParse, "unexpected argument '" + out.operands_.front() + "'");
  }
  return out;
}

Result<int64_t> parse_number(std::string_view text, int64_t low, int64_t high) {
  int64_t n = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec == std::errc{} && end == text.data() + text.size() && n >= low && n <= high) return n;
  return fail(Errc::kParse, "'" + std::string(text) + "' is not a number from " +
                                std::to_string(low) + " to " + std::to_string(high));
}

}  // namespace fptrace::cli
