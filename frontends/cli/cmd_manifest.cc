#include <cerrno>
#include <filesystem>
#include <set>

#include "common/base/text.h"
#include "common/event/tee_sink.h"
#include "common/log/log_tracer.h"
#include "fingerprint/closure/static_closure.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/log_source.h"
#include "frontends/cli/manifest_verbs.h"
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

// The codes with which `run` says that a program cannot be run.
int exit_code(const Error& error) {
  if (error.sys == ENOENT || error.sys == ENOTDIR) return kNotFound;
  const std::set<int> refused{ENOEXEC, EACCES, EISDIR, EPERM, ELOOP};
  return refused.contains(error.sys) ? kNotExecutable : kToolFailed;
}

// Files as they are called within the root: what is relative starts from the working directory of
// this host, or from the root's top.
Result<StaticOptions> static_options(const Arguments& args) {
  StaticOptions o;
  const std::string root = args.value("root", "/");
  std::error_code error;
  if (!std::filesystem::is_directory(root, error)) {
    const int sys = error ? error.value() : ENOTDIR;
    return fail_errno("--root " + root, sys);
  }
  o.root = std::filesystem::canonical(root, error).string();
  if (error) return fail_errno("--root " + root, error.value());
  if (o.root == "/") o.root.clear();
  const std::filesystem::path base =
      o.root.empty() ? std::filesystem::current_path(error) : std::filesystem::path("/");
  if (error) return fail_errno("working directory", error.value());
  for (const std::string& file : args.operands()) {
    // Not normalized: ".." behind a link is not what it looks like.
    o.files.push_back((base / file).string());
  }
  if (args.has("library-path")) o.library_path = args.value("library-path");
  return o;
}

ExitStatus run_static(const Context& ctx, const Arguments& args) {
  for (const auto* option : {"with-processes", "with-times", "with-temporaries", "keep-secrets"}) {
    if (!args.has(option)) continue;
    return usage_error(ctx, kManifest,
                       std::string("--static runs nothing: there is nothing for --") + option);
  }
  if (args.operands().empty()) {
    return usage_error(ctx, kManifest, "name the programs, scripts or libraries");
  }
  const auto options = static_options(args);
  if (!options) return failed(ctx, options.error().what);
  if (const auto path = args.value("output", "-"); path != "-") {
    if (auto ok = check_writable(path); !ok) return failed(ctx, ok.error().what);
  }
  const auto closure = make_static_closure(*options);
  if (!closure) {
    failed(ctx, printable(closure.error().what));
    return {exit_code(closure.error())};
  }
  for (const std::string& warning : closure->warnings) {
    ctx.err << "fptrace manifest: " << printable(warning) << '\n';
  }
  const auto written = write(ctx, args, closure->manifest);
  return written ? ExitStatus{} : failed(ctx, written.error().what);
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (const auto done = run_manifest_verb(ctx, args)) return *done;
  if (args.has("static")) return run_static(ctx, args);
  for (const auto* option : {"root", "library-path"}) {
    if (args.has(option))
      return usage_error(ctx, kManifest, std::string("--") + option + " goes with --static only");
  }
  if (args.operands().size() != 1) return usage_error(ctx, kManifest, "name one event log");
  const std::string& log = args.operands()[0];
  if (args.has("output") && args.value("output") == log) {
    return usage_error(ctx, kManifest, "the manifest would replace the log");
  }
  const auto source = LogSource::of(log, args.has("openers"));
  if (!source) return failed(ctx, source.error().what);
  const auto tracer = make_log_tracer(source->path());
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

constexpr Option kStaticOptions[] = {
    {0, "static", "", "of files, without running them: what they need to start"},
    {0, "root", "DIR", "with --static: FILEs and all they need are below this directory"},
    {0, "library-path", "LIST", "with --static: LD_LIBRARY_PATH to start with"},
};

constexpr auto kOptions = [] {
  auto all = join(kManifestOptions, kStaticOptions, kManifestVerbOptions);
  for (Option& o : all)
    if (o.name == "openers") o.help = "fail if the log does not tell which objects opened files";
  all[0].help = "where the manifest goes (default: standard output)";
  return all;
}();

}  // namespace

const Subcommand kManifest{
    "manifest",
    "LOG | --static FILE... | show FILE | query FILE [PATH]... | diff A B",
    "make a manifest of a log or, without running them, of programs; look into one",
    kOptions,
    OperandRule::kAnywhere,
    run};

}  // namespace fptrace::cli
