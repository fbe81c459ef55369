#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "frontends/cli/commands.h"
#include "frontends/doctor/checks.h"

namespace fptrace::cli {
namespace {

void print_json(std::ostream& out, const std::vector<doctor::Check>& checks) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const auto& c : checks) {
    all.push_back({{"name", c.name},
                   {"verdict", doctor::to_string(c.verdict)},
                   {"found", c.found},
                   {"advice", c.advice}});
  }
  const nlohmann::ordered_json report{{"works", doctor::can_trace(checks)}, {"checks", all}};
  // A path or a container's name need not be UTF-8.
  out << report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
}

void print_text(std::ostream& out, const std::vector<doctor::Check>& checks) {
  const auto pad = [](std::string_view s, size_t width) {
    return std::string(s) + std::string(s.size() < width ? width - s.size() : 1, ' ');
  };
  for (const auto& c : checks) {
    out << pad(doctor::to_string(c.verdict), 6) << pad(c.name, 17) << c.found << '\n';
    if (!c.advice.empty()) out << pad("", 23) << "-> " << c.advice << '\n';
  }
  out << (doctor::can_trace(checks) ? "Quick tracing works here.\n"
                                    : "Quick tracing does not work here.\n");
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  std::error_code ignored;  // a removed directory has no path; the check says so
  const auto checks =
      doctor::judge(doctor::collect_facts(std::filesystem::current_path(ignored).string()));
  args.has("json") ? print_json(ctx.out, checks) : print_text(ctx.out, checks);
  return {doctor::can_trace(checks) ? 0 : 1};
}

constexpr Option kOptions[] = {{0, "json", "", "print the findings as JSON"}};

}  // namespace

const Subcommand kDoctor{"doctor",
                         "",
                         "say what works on this machine, and what to do about what does not",
                         kOptions,
                         OperandRule::kNone,
                         run};

}  // namespace fptrace::cli
