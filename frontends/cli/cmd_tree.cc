#include "common/event/tee_sink.h"
#include "common/log/log_tracer.h"
#include "fingerprint/builder.h"
#include "fingerprint/view/graph.h"
#include "fingerprint/view/tree_view.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/log_source.h"
#include "frontends/cli/output.h"
#include "frontends/cli/terminal.h"

namespace fptrace::cli {
namespace {

constexpr Option kOptions[] = {
    {'t', "times", "", "how long each process ran"},
    {0, "ascii", "", "draw with ASCII characters only"},
    {0, "json", "", "one object a process"},
    {0, "graph", "", "processes, files and packages as a graph, for Graphviz's dot"},
    {0, "no-system", "", "leave libraries of packages out of the graph"},
    {'o', "output", "FILE", "where it goes (default: standard output)"},
};

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace tree: " << what << '\n';
  return {kToolFailed};
}

std::string text(const Arguments& args, const ProcessHistory& history) {
  if (args.has("json")) return tree_json(history);
  const bool to_file = args.value("output", "-") != "-";
  return tree_text(history, {output_style(to_file, args.has("ascii")), args.has("times")});
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().size() != 1) return usage_error(ctx, kTree, "name one event log");
  if (args.has("json") && args.has("graph")) {
    return usage_error(ctx, kTree, "--json and --graph exclude each other");
  }
  const std::string& log = args.operands()[0];
  if (args.has("output") && args.value("output") == log) {
    return usage_error(ctx, kTree, "the output would replace the log");
  }
  const auto source = LogSource::of(log);
  if (!source) return failed(ctx, source.error().what);
  const auto tracer = make_log_tracer(source->path());
  if (!tracer) return failed(ctx, tracer.error().what);
  ProcessHistory history;
  ManifestOptions options;
  options.with_processes = true;
  ManifestBuilder builder(options);
  Analysis& analysis = args.has("graph") ? static_cast<Analysis&>(builder) : history;
  if (auto ok = check_needs("tree", analysis.needs(), "log", (*tracer)->capabilities()); !ok) {
    return failed(ctx, ok.error().what);
  }
  // Of a log that was cut short, what happened until then is shown all the same.
  const auto status = (*tracer)->run({}, analysis);
  const auto written = write_output(
      ctx, args,
      args.has("graph") ? to_dot(builder.finish(), {!args.has("no-system")}) : text(args, history));
  if (!written) return failed(ctx, written.error().what);
  return status ? ExitStatus{} : failed(ctx, status.error().what);
}

}  // namespace

const Subcommand kTree{
    "tree", "LOG", "show the processes of an event log", kOptions, OperandRule::kAnywhere, run};

}  // namespace fptrace::cli
