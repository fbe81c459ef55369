#include <algorithm>
#include <string>

#include "common/base/text.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/subcommand.h"

namespace fptrace::cli {
namespace {

constexpr size_t kHelpColumn = 30;

void print_row(std::ostream& out, std::string left, std::string_view right) {
  left.resize(std::max(left.size() + 1, kHelpColumn), ' ');
  out << left << right << '\n';
}

void print_option(std::ostream& out, const Option& o) {
  std::string left =
      o.letter != 0 ? std::string("  -") + o.letter + ", --" : std::string("      --");
  left += o.name;
  if (takes_word(o)) left += ' ';
  left += o.value;
  print_row(out, std::move(left), o.help);
}

std::string synopsis(const Subcommand& c) {
  std::string s = "fptrace " + std::string(c.name);
  if (!c.options.empty()) s += " [OPTIONS]";
  if (!c.operands.empty()) (s += ' ') += c.operands;
  return s;
}

ExitStatus call(const Context& ctx, const Subcommand& c, std::span<const std::string_view> args) {
  const auto parsed = parse_arguments(c.options, c.rule, args);
  if (!parsed) return usage_error(ctx, c, parsed.error().what);
  if (parsed->help()) {
    print_help(ctx.out, c);
    return {};
  }
  return c.run(ctx, *parsed);
}

}  // namespace

std::span<const Subcommand* const> subcommands() {
  static constexpr const Subcommand* kAll[] = {
      &kRun,   &kAttach, &kRecord, &kReplay,  &kLog,       &kManifest, &kFiles,
      &kTaint, &kTree,   &kVerify, &kDiff,    &kPack,      &kSbom,     &kPs,
      &kImage, &kDoctor, &kHelp,   &kVersion, &kCompletion};
  return kAll;
}

ExitStatus usage_error(const Context& ctx, const Subcommand& c, std::string_view message) {
  ctx.err << "fptrace " << c.name << ": " << message << "\nusage: " << synopsis(c)
          << "\nTry 'fptrace " << c.name << " --help'.\n";
  return {kUsageError};
}

ExitStatus not_begun(const Context& ctx, const Subcommand& c, const Error& error) {
  if (error.code == Errc::kParse) return usage_error(ctx, c, error.what);
  ctx.err << "fptrace " << c.name << ": " << printable(error.what) << '\n';
  return {kToolFailed};
}

void print_help(std::ostream& out, const Subcommand& c) {
  out << "usage: " << synopsis(c) << "\n\n" << c.summary << "\n";
  if (!c.options.empty()) out << "\noptions:\n";
  for (const auto& o : c.options) print_option(out, o);
}

void print_overview(std::ostream& out) {
  out << "usage: fptrace [OPTIONS] -- PROGRAM [ARG]...    (short for fptrace run)\n"
         "       fptrace COMMAND ...\n\n"
         "What did a program touch, and what does it depend on?\n\ncommands:\n";
  for (const auto* c : subcommands()) {
    if (!c->hidden) print_row(out, "  " + std::string(c->name), c->summary);
  }
  out << "\n'fptrace COMMAND --help' shows a command's options.\n";
}

ExitStatus dispatch(const Context& ctx, std::span<const std::string_view> args) {
  if (args.empty()) {
    print_overview(ctx.err);
    return {kUsageError};
  }
  const std::string_view first = args[0];
  if (first == "--help" || first == "-h") return call(ctx, kHelp, {});
  if (first == "--version" || first == "-V") return call(ctx, kVersion, {});
  for (const auto* c : subcommands()) {
    if (first == c->name) return call(ctx, *c, args.subspan(1));
  }
  if (first.starts_with("-")) return call(ctx, kRun, args);  // `fptrace [OPTIONS] -- PROGRAM`
  ctx.err << "fptrace: no command '" << first << "' (fptrace help lists them); to trace a program: "
          << "fptrace -- " << first << '\n';
  return {kUsageError};
}

}  // namespace fptrace::cli
