#include "frontends/cli/results.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "fingerprint/view/summary.h"
#include "frontends/cli/summary_json.h"

namespace fptrace::cli {
namespace {

size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

Result<void> check_paths(const Arguments& args, std::string_view manifest) {
  const std::string option = "--" + std::string(manifest);
  if (args.has("no-manifest") && args.has(manifest)) {
    return fail(Errc::kParse, "--no-manifest and " + option + " exclude each other");
  }
  for (const std::string_view name : {manifest, std::string_view("log")}) {
    if (args.value(name) != "-") continue;
    return fail(Errc::kParse, "--" + std::string(name) +
                                  " -: standard output belongs to the traced program; name a file, "
                                  "or a descriptor as /dev/fd/3");
  }
  if (args.has(manifest) && args.value(manifest) == args.value("log")) {
    return fail(Errc::kParse, option + " and --log name the same file");
  }
  return {};
}

}  // namespace

ManifestOptions manifest_options(const Arguments& args) {
  ManifestOptions o;
  o.with_processes = args.has("with-processes");
  o.with_times = args.has("with-times");
  o.with_temporaries = args.has("with-temporaries");
  o.openers = args.has("openers");
  o.keep_secrets = args.has("keep-secrets");
  return o;
}

ManifestFormat manifest_format(const Arguments& args) {
  return args.value("format", "json") == "pb" ? ManifestFormat::kPb : ManifestFormat::kJson;
}

Result<std::unique_ptr<Results>> Results::prepare(const Context& ctx, const Arguments& args,
                                                  const std::string& backend, Cap has,
                                                  const WantedManifest& manifest) {
  if (auto ok = check_paths(args, manifest.named_by); !ok) return fail(ok.error());
  std::unique_ptr<Results> r(new Results(ctx, args, manifest));
  if (!r->manifest_path_.empty() || !r->quiet_ || r->json_) {
    r->builder_ = std::make_unique<ManifestBuilder>(manifest_options(args));
    r->tee_.add("manifest", *r->builder_);
    if (auto ok = check_needs("manifest", r->builder_->needs(), backend, has); !ok)
      return fail(ok.error());
  }
  if (!r->manifest_path_.empty()) {
    if (auto ok = check_writable(r->manifest_path_); !ok) return fail(ok.error());
  }
  if (!r->log_path_.empty()) {
    auto log = LogWriter::create(r->log_path_, {.capabilities = has});
    if (!log) return fail(log.error());
    r->log_ = *std::move(log);
    r->tee_.add("event log", *r->log_);
  }
  return r;
}

Results::Results(const Context& ctx, const Arguments& args, const WantedManifest& manifest)
    : ctx_(&ctx),
      quiet_(args.has("quiet") || manifest.when == Manifests::kNone),
      json_(args.has("json") && manifest.when != Manifests::kNone),
      format_(manifest_format(args)),
      log_path_(args.value("log")) {
  const bool pb = format_ == ManifestFormat::kPb;
  if (!args.has("no-manifest") &&
      (manifest.when == Manifests::kAlways || args.has(manifest.named_by))) {
    manifest_path_ =
        args.value(manifest.named_by, pb ? "fptrace.manifest.pb" : "fptrace.manifest.json");
  }
  tee_.on_failure([&err = ctx.err](const TeeSink::Failure& f) {
    err << "fptrace: the " << f.sink << " is incomplete: " << f.error.what
        << "; the program goes on\n";
  });
}

void Results::discard() {
  if (log_ == nullptr) return;
  log_.reset();
  ::unlink(log_path_.c_str());
}

bool Results::close_log() {
  if (log_ == nullptr) return true;
  const auto closed = log_->finish();
  // A failure while events came in was told when it happened.
  if (!closed && tee_.failures().empty()) {
    ctx_->err << "fptrace: the event log is incomplete: " << closed.error().what << '\n';
  }
  return closed.has_value();
}

bool Results::write_manifest(const Manifest& manifest) {
  if (manifest_path_.empty()) return true;
  const auto written = fptrace::write_manifest(manifest_path_, format_, manifest);
  if (!written) {
    ctx_->err << "fptrace: no manifest: " << written.error().what << '\n';
    manifest_path_.clear();
  }
  return written.has_value();
}

bool Results::finish() {
  const bool log_whole = close_log();
  bool whole = log_whole && tee_.failures().empty();
  if (builder_ == nullptr) return whole;
  const Manifest manifest = builder_->finish();
  whole = write_manifest(manifest) && whole;
  if (json_) {
    ctx_->err << summary_json(manifest, builder_->stats(), manifest_path_, log_path_) << '\n';
  } else if (!quiet_) {
    ctx_->err << summary(manifest, builder_->stats(), terminal_width());
    if (!manifest_path_.empty())
      ctx_->err << "fptrace: manifest written to " << manifest_path_ << '\n';
    if (log_ != nullptr && log_whole)
      ctx_->err << "fptrace: event log written to " << log_path_ << '\n';
  }
  return whole;
}

void Results::abandon(const Error& error) {
  (void)close_log();
  // With no sink left the tracer hands back that sink's error, which was told already.
  if (tee_.failures().empty()) ctx_->err << "fptrace: " << error.what << '\n';
  if (!manifest_path_.empty()) ctx_->err << "fptrace: no manifest was written\n";
}

}  // namespace fptrace::cli
