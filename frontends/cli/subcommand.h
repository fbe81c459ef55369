#pragma once
#include <ostream>
#include <span>
#include <string_view>

#include "common/base/child_process.h"
#include "frontends/cli/options.h"

namespace fptrace::cli {

struct Context {
  std::ostream& out;
  std::ostream& err;
};

// One file per subcommand defines one of these, dispatch.cc lists them. No self-registration:
// a linker drops unreferenced objects from a static library without a word.
// Option parsing, `--help` and complaints about wrong options are done before `run` is called.
struct Subcommand {
  std::string_view name;
  std::string_view operands;  // what follows the options: "[--] PROGRAM [ARG]..."
  std::string_view summary;   // one line, for `fptrace help`
  std::span<const Option> options;
  OperandRule rule;
  // Returns what main ends with; a signal is raised, not turned into a code.
  ExitStatus (*run)(const Context&, const Arguments&);
  bool hidden = false;  // not in `fptrace help`, the man page and the completions
};

// Every subcommand that exists, in the order `fptrace help` shows them.
std::span<const Subcommand* const> subcommands();

// Exit codes: those of the traced program for `run`; a shell's for a program that cannot be run.
constexpr int kUsageError = 2, kToolFailed = 125, kNotExecutable = 126, kNotFound = 127;

// For `run`: prints "fptrace NAME: MESSAGE" and the usage line; returns kUsageError.
ExitStatus usage_error(const Context&, const Subcommand&, std::string_view message);
// For `run`, when `error` came before anything was done: a kParse is a usage error; anything else
// is said in the same way, without the usage line, and is kToolFailed.
ExitStatus not_begun(const Context&, const Subcommand&, const Error& error);

// "fptrace NAME [OPTIONS] OPERANDS", the summary and the options: what `fptrace NAME --help` says.
void print_help(std::ostream& out, const Subcommand&);

// `args` is the command line without argv[0]. `fptrace [OPTIONS] -- PROGRAM` means `fptrace run`.
ExitStatus dispatch(const Context&, std::span<const std::string_view> args);

}  // namespace fptrace::cli
