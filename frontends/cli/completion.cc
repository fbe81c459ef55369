#include "frontends/cli/completion.h"

#include <string_view>

namespace fptrace::cli {
namespace {

constexpr Option kHelpOption{'h', "help", "", "show this help"};

// Calls `visit` for every option of `c`, --help included.
template <class F>
void each_option(const Subcommand& c, F visit) {
  for (const auto& o : c.options) visit(o);
  visit(kHelpOption);
}

template <class F>
void each_command(std::span<const Subcommand* const> commands, F visit) {
  for (const auto* c : commands) {
    if (!c->hidden) visit(*c);
  }
}

std::string words_of(std::span<const Subcommand* const> commands) {
  std::string words;
  each_command(commands, [&](const Subcommand& c) { (words += c.name) += ' '; });
  return words;
}

std::string choice_words(const Option& o) {
  std::string words;
  for (const auto choice : choices(o)) (words += choice) += ' ';
  return words;
}

bool takes_file(const Option& o) { return o.value == "FILE" || o.value == "[=FILE]"; }

// In single quotes, for any of the three shells.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

// "-o|--output", as a pattern of bash's `case`.
std::string bash_pattern(const Option& o) {
  std::string pattern = o.letter != 0 ? std::string("-") + o.letter + "|" : "";
  return pattern + "--" + std::string(o.name);
}

std::string bash_values(const Subcommand& c) {
  std::string out;
  each_option(c, [&](const Option& o) {
    if (!takes_word(o)) return;
    out += "        " + bash_pattern(o) + ") ";
    if (takes_file(o)) {
      out += "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))";
    } else if (const auto words = choice_words(o); !words.empty()) {
      out += "COMPREPLY=($(compgen -W '" + words + "' -- \"$cur\"))";
    } else {
      out += ":";
    }
    out += "; return ;;\n";
  });
  return out;
}

std::string bash_command(const Subcommand& c) {
  std::string options;
  each_option(c, [&](const Option& o) { (options += " --") += o.name; });
  return "    " + std::string(c.name) + ")\n      case $prev in\n" + bash_values(c) +
         "      esac\n      options='" + options.substr(1) + "' ;;\n";
}

// _arguments takes "[" and ":" in a description for its own unless they are quoted.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_option(const Option& o) {
  // "=" and "+": the value may be in the same word or in the next; "=-": in the same.
  const char* const how = o.value.empty() ? "" : takes_word(o) ? "=" : "=-";
  const std::string name = "--" + std::string(o.name) + how;
  std::string rest = "[" + zsh_text(o.help) + "]";
  if (!o.value.empty()) {
    rest += (takes_word(o) ? ":" : "::") + zsh_text(o.value) + ":";
    if (takes_file(o)) rest += "_files";
    if (const auto words = choice_words(o); !words.empty()) rest += "(" + words + ")";
  }
  if (o.letter == 0) return quoted("*" + name + rest);
  const std::string letter = std::string("-") + o.letter + (o.value.empty() ? "" : "+");
  return quoted("*" + letter + rest) + " " + quoted("*" + name + rest);
}

std::string zsh_operands(const Subcommand& c) {
  switch (c.rule) {
    case OperandRule::kProgram:
      return " '(-)1: :_command_names -e' '*::arguments:_normal'";
    case OperandRule::kAnywhere:
      return c.operands == "PID..." ? " '*: :_pids'" : " '*: :_files'";
    case OperandRule::kNone:
      return "";
  }
  return "";
}

std::string fish_option(std::string_view condition, const Option& o) {
  std::string line = "complete -c fptrace -n " + quoted(condition) + " -l " + std::string(o.name);
  if (o.letter != 0) (line += " -s ") += o.letter;
  if (takes_file(o)) {
    line += takes_word(o) ? " -r -F" : " -F";
  } else if (const auto words = choice_words(o); !words.empty()) {
    line += " -x -a " + quoted(words);
  } else if (!o.value.empty()) {
    line += " -x -a " + quoted(o.value);
  }
  return line + " -d " + quoted(o.help) + "\n";
}

}  // namespace

std::string bash_completion(std::span<const Subcommand* const> commands) {
  const std::string words = words_of(commands);
  std::string cases;
  each_command(commands, [&](const Subcommand& c) { cases += bash_command(c); });
  return R"(# bash completion for fptrace

_fptrace() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=run options='' i
  COMPREPLY=()
  if ((COMP_CWORD == 1)) && [[ $cur != -* ]]; then
    COMPREPLY=($(compgen -W ')" +
         words + R"(' -- "$cur"))
    return
  fi
  [[ " )" +
         words + R"(" != *" ${COMP_WORDS[1]} "* ]] || command=${COMP_WORDS[1]}
  # What follows -- is a command line of its own.
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ $command == run && ${COMP_WORDS[i]} == -- ]] || continue
    if declare -F _command_offset >/dev/null; then
      _command_offset $((i + 1))
    else
      compopt -o filenames
      COMPREPLY=($(compgen -c -f -- "$cur"))
    fi
    return
  done
  case $command in
)" + cases +
         R"(  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  elif [[ $command == help ]]; then
    COMPREPLY=($(compgen -W ')" +
         words + R"(' -- "$cur"))
  else
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "$cur"))
  fi
}
complete -F _fptrace fptrace
)";
}

std::string zsh_completion(std::span<const Subcommand* const> commands) {
  std::string list, cases;
  each_command(commands, [&](const Subcommand& c) {
    list += "    " + quoted(zsh_text(c.name) + ":" + std::string(c.summary)) + "\n";
    cases += "    " + std::string(c.name) + ") _arguments -S -s";
    each_option(c, [&](const Option& o) { cases += " \\\n      " + zsh_option(o); });
    cases += zsh_operands(c) + " ;;\n";
  });
  return "#compdef fptrace\n\n_fptrace() {\n  local -a commands=(\n" + list +
         "  )\n"
         "  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
         "    _describe command commands\n    return\n  fi\n"
         "  local command=run\n"
         "  if (( ${commands[(I)$words[2]:*]} )); then\n"
         "    command=$words[2]\n    shift words\n    (( CURRENT-- ))\n  fi\n"
         "  case $command in\n" +
         cases + "  esac\n}\n\n_fptrace \"$@\"\n";
}

std::string fish_completion(std::span<const Subcommand* const> commands) {
  const std::string words = words_of(commands);
  const std::string none = "not __fish_seen_subcommand_from " + words;
  std::string out = "# fish completion for fptrace\n\n";
  each_command(commands, [&](const Subcommand& c) {
    out += "complete -c fptrace -f -n __fish_use_subcommand -a " + std::string(c.name) + " -d " +
           quoted(c.summary) + "\n";
  });
  each_command(commands, [&](const Subcommand& c) {
    std::string condition = "__fish_seen_subcommand_from " + std::string(c.name);
    if (c.name == "run") condition += "; or " + none;
    each_option(c, [&](const Option& o) { out += fish_option(condition, o); });
  });
  return out;
}

}  // namespace fptrace::cli
