#include "backends/emu/osi/process_table.h"
#include "common/base/text.h"
#include "common/proc/process_list.h"
#include "fingerprint/view/process_table.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/replay_at.h"
#include "frontends/cli/terminal.h"

namespace fptrace::cli {
namespace {

constexpr Option kOptions[] = {
    {0, "at", "MOMENT",
     "when to look into a recording: begin (default), end, a number of the guest's instructions, "
     "or a percentage"},
    {'t', "threads", "", "list the threads of each process, too"},
    {0, "ascii", "", "ASCII characters only"},
    {0, "json", "", "one object a process, with its working directory"},
};

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace ps: " << printable(what) << '\n';
  return {kToolFailed};
}

ExitStatus print(const Context& ctx, const Arguments& args, const std::vector<ProcessRow>& rows) {
  ctx.out << (args.has("json") ? process_table_json(rows)
                               : process_table_text(rows, output_style(false, args.has("ascii"))));
  ctx.out.flush();
  return ctx.out ? ExitStatus{} : failed(ctx, "writing the output failed");
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  const bool threads = args.has("threads");
  if (args.operands().size() > 1) return usage_error(ctx, kPs, "name one recording, or none");
  if (args.operands().empty()) {
    if (args.has("at"))
      return usage_error(ctx, kPs,
                         "--at looks into a recording: name the file that "
                         "'fptrace record' wrote");
    const auto rows = list_host_processes(threads);
    return rows ? print(ctx, args, *rows) : failed(ctx, rows.error().what);
  }
  const auto moment = emu::parse_moment(args.value("at", "begin"));
  if (!moment) return usage_error(ctx, kPs, "--at: " + moment.error().what);
  std::vector<ProcessRow> rows;
  const auto look = [&](const emu::Sight& sight) -> Result<void> {
    rows = emu::list_processes(sight.guest.names(), threads);
    return {};
  };
  int signal = 0;
  const auto ok = look_at(args.operands()[0], *moment, look, signal);
  if (ok) return print(ctx, args, rows);
  return signal != 0 ? ExitStatus{0, signal} : failed(ctx, ok.error().what);
}

}  // namespace

const Subcommand kPs{"ps",
                     "[RECORDING]",
                     "list the processes of a recording at any moment, or of this host",
                     kOptions,
                     OperandRule::kAnywhere,
                     run};

}  // namespace fptrace::cli
