#include "frontends/cli/trace_session.h"

#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>

#include "frontends/cli/machine_session.h"
#include "frontends/cli/start_failure.h"

namespace fptrace::cli {
namespace {

// One line on the terminal that is written over and over.
class ProgressLine {
 public:
  ProgressLine(std::ostream& out, bool on) : out_(out), on_(on) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(uint64_t events, uint64_t processes) {
    constexpr auto kPeriod = std::chrono::milliseconds(200);
    const auto now = std::chrono::steady_clock::now();
    if (!on_ || now - last_ < kPeriod) return;
    last_ = now;
    shown_ = true;
    out_ << "\r\033[K" << events << " events, " << processes << " processes" << std::flush;
  }
  void clear() {
    if (shown_) out_ << "\r\033[K" << std::flush;
    shown_ = false;
  }

 private:
  std::ostream& out_;
  bool on_, shown_ = false;
  std::chrono::steady_clock::time_point last_;
};

// Before the program was started.
ExitStatus refused(const Context& ctx, const Subcommand& self, const Error& error) {
  if (error.code == Errc::kParse) return usage_error(ctx, self, error.what);
  ctx.err << "fptrace: " << error.what << '\n';
  return {kToolFailed};
}

}  // namespace

ExitStatus trace(const Context& ctx, const Subcommand& self, const Arguments& args,
                 const std::vector<std::string>& argv, const WantedManifest& manifest,
                 const std::function<Result<NamedTracer>(TracerRequest)>& make,
                 const std::function<bool()>& more) {
  ProgressLine progress(ctx.err, args.has("progress") && ::isatty(STDERR_FILENO) == 1);
  TracerRequest request;
  request.progress = [&](uint64_t events, uint64_t n) { progress.show(events, n); };
  request.warn = [&](const std::string& sentence) {
    progress.clear();
    ctx.err << "fptrace: warning: " << sentence << '\n';
  };
  const auto made = make(std::move(request));
  if (!made) return refused(ctx, self, made.error());
  const auto results =
      Results::prepare(ctx, args, made->backend, made->tracer->capabilities(), manifest);
  if (!results) return refused(ctx, self, results.error());

  // The ptrace backend sees to signals itself.
  std::optional<Interruption> interruption;
  if (made->backend == "emu") interruption.emplace();
  const auto status = made->tracer->run(Command{argv}, (*results)->sink(),
                                        interruption ? interruption->token() : std::stop_token());
  progress.clear();
  if (!status && interruption && interruption->signal() != 0) {
    (*results)->abandon(status.error());
    return {0, interruption->signal()};
  }
  if (status) {
    const bool whole = (*results)->finish();
    return (!more || more()) && whole ? *status : ExitStatus{kToolFailed};
  }
  const Error& error = status.error();
  if (error.code == Errc::kTracee && error.sys != 0 && !argv.empty()) {
    (*results)->discard();
    return not_started(ctx, args, argv[0], error);
  }
  (*results)->abandon(error);
  return {kToolFailed};
}

}  // namespace fptrace::cli
