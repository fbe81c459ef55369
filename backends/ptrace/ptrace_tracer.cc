#include "backends/ptrace/ptrace_tracer.h"

#include "backends/ptrace/session.h"

namespace fptrace::ptrace {
namespace {

class PtraceTracer final : public Tracer {
 public:
  explicit PtraceTracer(Options options) : options_(std::move(options)) {}

  Cap capabilities() const override {
    Cap all = Cap::kProcesses | Cap::kFiles | Cap::kMaps | Cap::kSignals;
    if (options_.hash) all = all | Cap::kContent;
    if (options_.openers) all = all | Cap::kOpeners;
    return all;
  }

  Result<ExitStatus> run(const Command& command, EventSink& sink, std::stop_token stop) override {
    Session session(options_, sink, std::move(stop));
    return options_.attach.empty() ? session.run(command) : session.attach();
  }

 private:
  Options options_;
};

}  // namespace

Result<std::unique_ptr<Tracer>> make_tracer(Options options) {
  const bool outlives = options.daemons == Daemons::kDetach || options.survive_tracer;
  if (outlives && (options.stops == Stops::kNotify || options.stops == Stops::kFilter))
    return fail(Errc::kUnsupported,
                "processes that go on without their tracer cannot have its filter: every call that "
                "it watches would fail; use --stops syscall");
  if (outlives) options.stops = Stops::kSyscall;
  return std::unique_ptr<Tracer>(std::make_unique<PtraceTracer>(std::move(options)));
}

}  // namespace fptrace::ptrace
