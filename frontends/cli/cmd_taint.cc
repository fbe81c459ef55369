#include <memory>
#include <optional>

#include "backends/emu/channel/find_wire.h"
#include "backends/emu/channel/taint_wire.h"
#include "backends/emu/tracer/taint_observer.h"
#include "common/analysis/provenance.h"
#include "common/analysis/taint_analysis.h"
#include "common/base/text.h"
#include "common/event/tee_sink.h"
#include "common/log/log_reader.h"
#include "common/log/log_tracer.h"
#include "common/log/log_writer.h"
#include "fingerprint/manifest_file.h"
#include "fingerprint/view/taint_view.h"
#include "frontends/cli/backends.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/machine_session.h"
#include "frontends/cli/output.h"
#include "frontends/cli/terminal.h"

namespace fptrace::cli {
namespace {

constexpr Option kSources[] = {
    {0, "taint-file", "PATH[:FROM-TO]",
     "label the bytes of this file, or those of a range; may be repeated"},
    {0, "taint-stdin", "", "label what comes by standard input"},
    {0, "taint-arg", "N", "label an argument of the program (0: its name); may be repeated"},
    {0, "taint-env", "NAME", "label the value of a variable; may be repeated"},
    {0, "taint-string", "TEXT", "label this text wherever it turns up in memory; slow"},
    {0, "taint-net", "", "label what is received from the network"},
    {0, "one-label", "", "one label for each source, instead of one for each byte"},
    {0, "policy", "data|pointers|both",
     "what carries labels: data alone, also the address that data is loaded from (default), or "
     "each "
     "in a replay of its own, with the difference"},
    {0, "max-labels", "N", "ranges of labels that one byte can have; beyond, they are merged"},
    {0, "depth", "", "count the computations from a source to where it gets"},
    {0, "instructions", "", "tell of every instruction that had to do with labels"},
};
constexpr Option kResults[] = {
    {'l', "log", "FILE", "write every event to this event log (FILE.fplog)"},
    {0, "json", "", "one object, with all that the tables leave out"},
    {0, "graph", "FILE", "write sources, processes and outputs for Graphviz's dot (-: here)"},
    {0, "rows", "N", "rows of each table (default: 20, 0: all)"},
    {0, "ascii", "", "ASCII characters only"},
    {'o', "output", "FILE", "where it goes (default: standard output)"},
    {0, "timeout", "SECONDS", "give up a replay that takes longer"},
};
constexpr auto kOptions = join(kSources, kResults, kGuestOptions);

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace taint: " << printable(what) << '\n';
  return {kToolFailed};
}

Result<uint32_t> number(const std::string& text, std::string_view option, int64_t low,
                        int64_t high) {
  const auto n = parse_number(text, low, high);
  if (!n) return fail(Errc::kParse, "--" + std::string(option) + ": " + n.error().what);
  return uint32_t(*n);
}

Result<emu::TaintSettings> settings_of(const Arguments& args) {
  emu::TaintSettings s;
  for (const std::string& text : args.values("taint-file")) {
    auto file = emu::parse_taint_file(text);
    if (!file) return fail(Errc::kParse, "--taint-file: " + file.error().what);
    s.files.push_back(*std::move(file));
  }
  constexpr int64_t kMostArguments = 1 << 20;
  for (const std::string& text : args.values("taint-arg")) {
    const auto n = number(text, "taint-arg", 0, kMostArguments);
    if (!n) return fail(n.error());
    s.arguments.push_back(*n);
  }
  s.environment = args.values("taint-env");
  for (const std::string& name : s.environment)
    if (name.empty() || name.find('=') != name.npos)
      return fail(Errc::kParse, "--taint-env: '" + name + "' is not the name of a variable");
  s.standard_input = args.has("taint-stdin");
  s.network = args.has("taint-net");
  s.string = args.value("taint-string");
  if (args.has("taint-string") && (s.string.empty() || s.string.size() > emu::kLongestFind))
    return fail(Errc::kParse,
                "--taint-string takes 1 to " + std::to_string(emu::kLongestFind) + " bytes");
  s.one_label = args.has("one-label");
  s.depths = args.has("depth");
  s.instructions = args.has("instructions");
  if (args.has("max-labels")) {
    const auto n = number(args.value("max-labels"), "max-labels", 1, emu::kMostTaintRuns);
    if (!n) return fail(n.error());
    s.max_labels = *n;
  }
  return s;
}

bool names_sources(const Arguments& args) {
  for (const Option& option : kSources)
    if (option.name.starts_with("taint-") && args.has(option.name)) return true;
  return false;
}

// One replay that follows labels.
Result<TaintReport> follow(const Context& ctx, const Arguments& args, const std::string& path,
                           emu::TaintSettings settings, std::stop_token stop) {
  emu::TaintObserver observer(std::move(settings));
  Watching what;
  what.observers = {&observer};
  what.silent = true;
  TracerRequest request;
  request.warn = [&ctx](const std::string& sentence) {
    ctx.err << "fptrace: warning: " << sentence << '\n';
  };
  const auto made = make_replayer(args, path, std::move(request), what);
  if (!made) return fail(made.error());
  TaintAnalysis analysis;
  TeeSink tee;
  tee.add("taint", analysis);
  std::unique_ptr<LogWriter> log;
  if (args.has("log")) {
    auto created =
        LogWriter::create(args.value("log"), {.capabilities = made->tracer->capabilities()});
    if (!created) return fail(created.error());
    log = *std::move(created);
    tee.add("event log", *log);
  }
  const auto status = made->tracer->run({}, tee, std::move(stop));
  if (!status) return fail(status.error());
  if (log)
    if (auto ok = log->finish(); !ok) return fail(ok.error());
  return analysis.report();
}

// A log tells what it has: labels that were followed, or who opened what.
Result<TaintReport> read_log(const std::string& path, std::optional<Error>& incomplete) {
  const auto tracer = make_log_tracer(path);
  if (!tracer) return fail(tracer.error());
  const bool followed = (uint32_t((*tracer)->capabilities()) & uint32_t(Cap::kTaint)) != 0;
  TaintAnalysis exact;
  Provenance coarse;
  Analysis& analysis = followed ? static_cast<Analysis&>(exact) : coarse;
  if (auto ok = check_needs("taint", analysis.needs(), "log", (*tracer)->capabilities()); !ok)
    return fail(ok.error());
  if (const auto status = (*tracer)->run({}, analysis); !status) incomplete = status.error();
  return followed ? exact.report() : coarse.report();
}

ExitStatus print(const Context& ctx, const Arguments& args, const TaintReport& report,
                 const TaintDifference* difference) {
  if (args.has("graph")) {
    const std::string graph = taint_dot(report), to = args.value("graph");
    if (to != "-") {
      if (auto ok = write_whole_file(to, graph); !ok) return failed(ctx, ok.error().what);
    } else {
      const auto written = write_output(ctx, args, graph);
      return written ? ExitStatus{} : failed(ctx, written.error().what);
    }
  }
  TaintViewOptions options;
  options.style = output_style(args.value("output", "-") != "-", args.has("ascii"));
  if (args.has("rows")) options.most_rows = size_t(*parse_number(args.value("rows"), 0, INT64_MAX));
  std::string text;
  if (args.has("json")) {
    text = taint_json(report, difference);
  } else {
    text = taint_text(report, options);
    if (difference) text += difference_text(*difference, options.style);
  }
  const auto written = write_output(ctx, args, text);
  return written ? ExitStatus{} : failed(ctx, written.error().what);
}

ExitStatus from_recording(const Context& ctx, const Arguments& args, const std::string& path,
                          emu::TaintSettings settings) {
  const std::string policy = args.value("policy", "pointers");
  const Interruption interruption;
  settings.pointers = policy == "pointers";
  auto report = follow(ctx, args, path, settings, interruption.token());
  std::optional<TaintDifference> more;
  if (report && policy == "both") {
    settings.pointers = true;
    const auto second = follow(ctx, args, path, settings, interruption.token());
    if (!second)
      report = fail(second.error());
    else
      more = difference(*report, *second);
  }
  if (report) {
    if (report->sources.empty() && !names_sources(args))
      ctx.err
          << "fptrace: warning: no source was named, and no program labelled memory itself; say "
             "what to follow, for example with --taint-file PATH\n";
    return print(ctx, args, *report, more ? &*more : nullptr);
  }
  if (interruption.signal() != 0) return {0, interruption.signal()};
  return failed(ctx, report.error().what);
}

Result<void> check(const Arguments& args) {
  if (args.has("rows") && !parse_number(args.value("rows"), 0, INT64_MAX))
    return fail(Errc::kParse, "--rows: '" + args.value("rows") + "' is no number");
  if (args.has("log") && args.value("policy") == "both")
    return fail(Errc::kParse, "--log is of one replay, --policy both makes two");
  if (args.value("graph") == "-" && args.has("json"))
    return fail(Errc::kParse, "--json and --graph - exclude each other");
  for (const char* option : {"log", "output", "graph"})
    if (args.has(option) && args.value(option) == args.operands()[0])
      return fail(Errc::kParse,
                  "--" + std::string(option) + " would replace what the report is made of");
  return {};
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().size() != 1)
    return usage_error(ctx, kTaint, "name one recording (RUN.fpr) or event log");
  if (auto ok = check(args); !ok) return usage_error(ctx, kTaint, ok.error().what);
  auto settings = settings_of(args);
  if (!settings) return usage_error(ctx, kTaint, settings.error().what);
  const std::string& path = args.operands()[0];
  if (LogReader::open(path)) {
    if (names_sources(args) || args.has("log"))
      return usage_error(ctx, kTaint,
                         path +
                             " is an event log: labels are followed through a recording "
                             "(fptrace record)");
    std::optional<Error> incomplete;
    const auto report = read_log(path, incomplete);
    if (!report) return failed(ctx, report.error().what);
    const ExitStatus status = print(ctx, args, *report, nullptr);
    return incomplete ? failed(ctx, incomplete->what) : status;
  }
  // Programs in the guest may label memory themselves, so no source need be named.
  return from_recording(ctx, args, path, *std::move(settings));
}

}  // namespace

const Subcommand kTaint{"taint",
                        "RECORDING|LOG",
                        "follow the bytes of a file, or of other input, to where they end up",
                        kOptions,
                        OperandRule::kAnywhere,
                        run};

}  // namespace fptrace::cli
