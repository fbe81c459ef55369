#include "fingerprint/view/file_table.h"
#include "fingerprint/view/graph.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/input.h"
#include "frontends/cli/output.h"
#include "frontends/cli/terminal.h"

namespace fptrace::cli {
namespace {

constexpr Option kOptions[] = {
    {'r', "role", "ROLE", "only files with this role (may be repeated)"},
    {'p', "program", "GLOB", "only files that this program opened"},
    {0, "package", "GLOB", "only files of this package"},
    {0, "missing", "", "files that were looked for in vain, instead"},
    {0, "outputs", "", "files that the run made, instead"},
    {0, "ascii", "", "ASCII characters only"},
    {0, "json", "", "one object a file"},
    {0, "graph", "", "processes, files and packages as a graph, for Graphviz's dot"},
    {0, "no-system", "", "leave libraries of packages out of the graph"},
    {'o', "output", "FILE", "where it goes (default: standard output)"},
};

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace files: " << what << '\n';
  return {kToolFailed};
}

Result<FileQuery> parse_query(const Arguments& args) {
  FileQuery q;
  q.missing = args.has("missing");
  q.outputs = args.has("outputs");
  q.inputs = !q.missing && !q.outputs;
  q.program = args.value("program");
  q.package = args.value("package");
  for (const std::string& name : args.values("role")) {
    const auto role = from_name<Role>(kRoleNames, name);
    if (!role) {
      std::string known;
      for (const auto r : kRoleNames) (known += known.empty() ? "" : ", ") += r;
      return fail(Errc::kParse, "--role: no role '" + name + "'; there are: " + known);
    }
    q.roles.push_back(*role);
  }
  const bool filtered = !q.roles.empty() || args.has("program") || args.has("package");
  if (!q.inputs && filtered) {
    return fail(Errc::kParse,
                "--role, --program and --package are about the files that a run used; of missing "
                "files and outputs a manifest has none of these");
  }
  if (args.has("graph") && (!q.inputs || filtered || args.has("json"))) {
    return fail(Errc::kParse, "--graph shows the whole run, and goes with no filter or --json");
  }
  return q;
}

std::string text(const Arguments& args, const Manifest& manifest, const FileQuery& query) {
  if (args.has("graph")) return to_dot(manifest, {!args.has("no-system")});
  const std::vector<FileRow> rows = select_files(manifest, query);
  if (args.has("json")) return table_json(rows);
  return table_text(rows, output_style(args.value("output", "-") != "-", args.has("ascii")));
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().size() != 1) {
    return usage_error(ctx, kFiles, "name one manifest or event log");
  }
  const std::string& path = args.operands()[0];
  if (args.has("output") && args.value("output") == path) {
    return usage_error(ctx, kFiles, "the output would replace what it is made of");
  }
  const auto query = parse_query(args);
  if (!query) return usage_error(ctx, kFiles, query.error().what);
  ManifestOptions options;
  options.with_processes = args.has("graph");
  const auto input = read_input(path, options);
  if (!input) return failed(ctx, input.error().what);
  const auto written = write_output(ctx, args, text(args, input->manifest, *query));
  if (!written) return failed(ctx, written.error().what);
  return input->incomplete ? failed(ctx, input->incomplete->what) : ExitStatus{};
}

}  // namespace

const Subcommand kFiles{"files",  "MANIFEST|LOG",         "list the files of a run",
                        kOptions, OperandRule::kAnywhere, run};

}  // namespace fptrace::cli
