#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "common/base/text.h"
#include "fingerprint/pack/pack.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/input.h"
#include "frontends/cli/pack_json.h"
#include "frontends/cli/results.h"

namespace fptrace::cli {
namespace {

constexpr Option kOptions[] = {
    {'o', "output", "OUT", "where the package goes; required"},
    {0, "format", "dir|tar.zst|oci|dockerfile|deb",
     "what is made (default: by OUT's name, or dir)"},
    {0, "compression", "gzip|zstd|none", "of the layer of an OCI image (default: gzip)"},
    {0, "root", "DIR", "take the files from below DIR, not from this machine's root"},
    {0, "inputs", "DIR", "take contents that have changed since from here (see run --save-inputs)"},
    {0, "include", "GLOB", "take along what would be left out; the last option that fits decides"},
    {0, "exclude", "GLOB", "leave out what fits"},
    {0, "keep-owner", "", "keep the owners of files (default: all belong to root)"},
    {0, "keep-times", "", "keep the times of files (default: SOURCE_DATE_EPOCH or 1980)"},
    {0, "keep-secrets", "", "keep the values of environment variables named like secrets"},
    {'f', "force", "", "replace what is there already"},
    {0, "name", "NAME", "of the Debian package"},
    {0, "package-version", "VERSION", "of the Debian package (default: 1.0)"},
    {0, "json", "", "what was packed and left out as JSON on standard output"},
    {'q', "quiet", "", "say nothing but errors"},
};

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace pack: " << what << '\n';
  return {kToolFailed};
}

// The signals that end a program, turned into a wish to stop, so that nothing half-made is left.
class StopOnSignal {
 public:
  StopOnSignal() {
    struct sigaction action {};
    action.sa_handler = [](int signo) { caught_ = signo; };
    for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &action, &old_[i]);
  }
  ~StopOnSignal() {
    for (size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &old_[i], nullptr);
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  static int caught() { return caught_; }

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  static inline volatile sig_atomic_t caught_ = 0;
  std::array<struct sigaction, kSignals.size()> old_{};
};

// A bar on the terminal; nothing anywhere else.
class Bar {
 public:
  Bar(std::ostream& out, bool on) : out_(out), on_(on) {}
  ~Bar() { clear(); }
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;
  void clear() {
    if (shown_) out_ << "\r\033[K" << std::flush;
    shown_ = false;
  }
  void total(uint64_t bytes) { total_ = bytes; }
  void show(uint64_t done) {
    constexpr auto kPeriod = std::chrono::milliseconds(100);
    const auto now = std::chrono::steady_clock::now();
    if (!on_ || total_ == 0 || now - last_ < kPeriod) return;
    last_ = now;
    shown_ = true;
    constexpr size_t kWidth = 30;
    const size_t full = size_t(std::min<uint64_t>(done, total_) * kWidth / total_);
    out_ << "\r\033[Kpacking [" << std::string(full, '#') << std::string(kWidth - full, ' ') << "] "
         << std::min<uint64_t>(done * 100 / total_, 100) << "% of " << total_ / 1'000'000 << " MB"
         << std::flush;
  }

 private:
  std::ostream& out_;
  bool on_, shown_ = false;
  uint64_t total_ = 0;
  std::chrono::steady_clock::time_point last_;
};

pack::Format format_of(const Arguments& args, const std::string& out) {
  std::string name = args.value("format");
  if (name.empty()) {
    if (out.ends_with(".tar.zst") || out.ends_with(".tzst")) return pack::Format::kTarZst;
    if (out.ends_with(".deb")) return pack::Format::kDeb;
    return pack::Format::kDir;
  }
  if (name == "tar.zst") return pack::Format::kTarZst;
  if (name == "oci") return pack::Format::kOci;
  if (name == "dockerfile") return pack::Format::kDockerfile;
  if (name == "deb") return pack::Format::kDeb;
  return pack::Format::kDir;
}

// As debchange(1) takes it from the environment.
std::string maintainer() {
  const char* name = std::getenv("DEBFULLNAME");
  const char* mail = std::getenv("DEBEMAIL");
  return std::string(name != nullptr ? name : "fptrace pack") + " <" +
         (mail != nullptr ? mail : "root@localhost") + ">";
}

Result<pack::PackOptions> pack_options(const Arguments& args) {
  pack::PackOptions o;
  o.format = format_of(args, args.value("output"));
  o.plan.root = args.value("root");
  o.plan.inputs = args.value("inputs");
  o.plan.keep_owner = args.has("keep-owner");
  o.plan.keep_times = args.has("keep-times");
  for (const auto& [name, value] : args.in_order())
    if (name == "include" || name == "exclude") o.plan.rules.push_back({name == "include", value});
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"); epoch != nullptr && *epoch != 0) {
    constexpr int64_t kLast = 253'402'300'799;  // the end of the year 9999
    const auto seconds = parse_number(epoch, 0, kLast);
    if (!seconds) return fail(Errc::kParse, "SOURCE_DATE_EPOCH: " + seconds.error().what);
    o.plan.epoch = *seconds;
  }
  const std::string compression = args.value("compression");
  if (!compression.empty() && o.format != pack::Format::kOci)
    return fail(Errc::kParse, "--compression is for --format oci");
  if (compression == "gzip") o.compression = pack::Compression::kGzip;
  if (compression == "zstd") o.compression = pack::Compression::kZstd;
  if (compression == "none") o.compression = pack::Compression::kNone;
  o.keep_secrets = args.has("keep-secrets");
  o.force = args.has("force");
  o.name = args.value("name");
  o.version = args.value("package-version", "1.0");
  o.maintainer = maintainer();
  return o;
}

void tell(const Context& ctx, const std::string& out, const pack::PackReport& report) {
  for (const pack::Note& n : report.notes)
    ctx.err << "fptrace pack: " << (n.path.empty() ? "" : printable(n.path) + ": ")
            << printable(n.text) << '\n';
  ctx.err << "fptrace pack: " << report.files << " files, " << report.bytes / 1'000'000
          << " MB packed into " << out << '\n';
  if (!report.digest.empty()) ctx.err << "fptrace pack: image " << report.digest << '\n';
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().size() != 1)
    return usage_error(ctx, kPack, "name one manifest or one event log");
  const std::string out = args.value("output");
  if (out.empty()) return usage_error(ctx, kPack, "--output says where the package goes");
  auto options = pack_options(args);
  if (!options) return usage_error(ctx, kPack, options.error().what);
  const std::string& in = args.operands()[0];
  ManifestOptions of_log;
  of_log.keep_secrets = options->keep_secrets;
  const auto manifest = read_whole_input(in, of_log);
  if (!manifest) return failed(ctx, manifest.error().what);

  std::stop_source stop;
  const StopOnSignal signals;
  Bar bar(ctx.err, !args.has("quiet") && ::isatty(STDERR_FILENO) == 1);
  pack::PackProgress progress;
  progress.planned = [&](uint64_t total) { bar.total(total); };
  progress.done = [&](uint64_t done) {
    if (StopOnSignal::caught() != 0) stop.request_stop();
    bar.show(done);
  };
  const auto report = pack::pack(*manifest, out, *options, progress, stop.get_token());
  bar.clear();
  if (StopOnSignal::caught() != 0 && !report) return {.signal = StopOnSignal::caught()};
  if (!report) return failed(ctx, report.error().what);
  if (!args.has("quiet")) tell(ctx, out, *report);
  if (args.has("json")) ctx.out << pack_json(*report, out) << '\n' << std::flush;
  return ctx.out ? ExitStatus{} : failed(ctx, "cannot write to standard output");
}

}  // namespace

const Subcommand kPack{"pack",   "MANIFEST|LOG",         "make a package that runs elsewhere",
                       kOptions, OperandRule::kAnywhere, run};

}  // namespace fptrace::cli
