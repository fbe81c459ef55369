#include "common/event/tee_sink.h"
#include "common/log/log_tracer.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/results.h"

namespace fptrace::cli {
namespace {

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace manifest: " << what << '\n';
  return {kToolFailed};
}

// Here nothing else owns standard output, so that is where a manifest goes by itself.
Result<void> write(const Context& ctx, const Arguments& args, const Manifest& manifest) {
  const auto format = manifest_format(args);
  const std::string path = args.value("output", "-");
  if (path != "-") return write_manifest(path, format, manifest);
  ctx.out << (format == ManifestFormat::kJson ? to_json(manifest) : to_pb(manifest)) << std::flush;
  return ctx.out ? Result<void>() : fail(Errc::kIo, "cannot write to standard output");
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().size() != 1) return usage_error(ctx, kManifest, "name one event log");
  const std::string& log = args.operands()[0];
  if (args.has("output") && args.value("output") == log) {
    return usage_error(ctx, kManifest, "the manifest would replace the log");
  }
  const auto tracer = make_log_tracer(log);
  if (!tracer) return failed(ctx, tracer.error().what);
  ManifestBuilder builder(manifest_options(args));
  if (auto ok = check_needs("manifest", builder.needs(), "log", (*tracer)->capabilities()); !ok) {
    const bool openers = missing(Cap::kOpeners, (*tracer)->capabilities()) != Cap::kNone;
    const char* next = args.has("openers") && openers
                           ? "; record the log with 'fptrace run --openers --log FILE'"
                           : "";
    return failed(ctx, ok.error().what + next);
  }
  if (const auto path = args.value("output", "-"); path != "-") {
    if (auto ok = check_writable(path); !ok) return failed(ctx, ok.error().what);
  }
  // A log that was cut short still says what happened until then: the manifest is written, with no
  // exit status in it, and the exit code says that it is not the whole.
  const auto status = (*tracer)->run({}, builder);
  const auto written = write(ctx, args, builder.finish());
  if (!written) return failed(ctx, written.error().what);
  return status ? ExitStatus{} : failed(ctx, status.error().what);
}

constexpr auto kOptions = [] {
  auto all = join(kManifestOptions);
  for (Option& o : all)
    if (o.name == "openers") o.help = "fail if the log does not tell which objects opened files";
  all[0].help = "where the manifest goes (default: standard output)";
  return all;
}();

}  // namespace

const Subcommand kManifest{
    "manifest", "LOG", "make a manifest of an event log", kOptions, OperandRule::kAnywhere, run};

}  // namespace fptrace::cli
