#include <unistd.h>

#include <ctime>

#include "fingerprint/view/quantities.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/input.h"
#include "frontends/cli/verify_output.h"

namespace fptrace::cli {
namespace {

constexpr Option kOptions[] = {
    {0, "root", "DIR", "verify the system below this directory (default: this host)"},
    {0, "content", "", "every file must be as it was (the default)"},
    {0, "abi", "", "libraries may differ if they provide the symbol versions that are needed"},
    {0, "outputs", "", "what the run made is verified too"},
    {0, "json", "", "the report as JSON"},
    {0, "csv", "FILE", "append one line about this verification to a file"},
    {'q', "quiet", "", "no report, only the exit status"},
};

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace verify: " << what << '\n';
  return {kToolFailed};
}

// On a terminal only, and gone when it is over.
class ProgressLine {
 public:
  explicit ProgressLine(const Context& ctx) : ctx_(ctx), on_(::isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (shown_) ctx_.err << "\r\033[K" << std::flush;
  }
  void show(const VerifyProgress& p) {
    if (!on_) return;
    shown_ = true;
    ctx_.err << "\r\033[Kverifying: " << p.done << " of " << p.of << " files, "
             << byte_count(p.bytes) << std::flush;
  }

 private:
  const Context& ctx_;
  bool on_, shown_ = false;
};

VerifyReport verify_showing_progress(const Context& ctx, const Manifest& manifest,
                                     const RootDirectory& root, const VerifyOptions& options) {
  ProgressLine line(ctx);
  return verify(manifest, root, options, [&](const VerifyProgress& p) { line.show(p); });
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().size() != 1) return usage_error(ctx, kVerify, "name one manifest");
  if (args.has("abi") && args.has("content")) {
    return usage_error(ctx, kVerify, "--abi and --content exclude each other");
  }
  VerifySubject subject{args.operands()[0], args.value("root", "/"), VerifyMode::kContent};
  if (args.has("abi")) subject.mode = VerifyMode::kAbi;
  const auto manifest = read_whole_input(subject.manifest);
  if (!manifest) return failed(ctx, manifest.error().what);
  const auto root = RootDirectory::open(subject.root);
  if (!root) return failed(ctx, root.error().what);
  const VerifyOptions options{subject.mode, args.has("outputs"), 0};
  const VerifyReport report = verify_showing_progress(ctx, *manifest, *root, options);
  if (!args.has("quiet")) {
    ctx.out << (args.has("json") ? verify_json(subject, report) : verify_text(subject, report))
            << std::flush;
    if (!ctx.out) return failed(ctx, "cannot write to standard output");
  }
  if (args.has("csv")) {
    const auto written = append_csv(args.value("csv"), verify_csv_header(),
                                    verify_csv_row(subject, report, std::time(nullptr)));
    if (!written) return failed(ctx, written.error().what);
  }
  return {report.ok() ? 0 : 1};
}

}  // namespace

const Subcommand kVerify{"verify",
                         "MANIFEST",
                         "is what a program needed still there, here or below a directory?",
                         kOptions,
                         OperandRule::kAnywhere,
                         run};

}  // namespace fptrace::cli
