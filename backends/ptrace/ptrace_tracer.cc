#include "backends/ptrace/ptrace_tracer.h"

#include <optional>

#include "backends/ptrace/session.h"
#include "common/content/input_store.h"

namespace fptrace::ptrace {
namespace {

class PtraceTracer final : public Tracer {
 public:
  PtraceTracer(Options options, std::optional<InputStore> inputs)
      : options_(std::move(options)), inputs_(std::move(inputs)) {}

  Cap capabilities() const override {
    Cap all = Cap::kProcesses | Cap::kFiles | Cap::kMaps | Cap::kSignals;
    if (options_.hash) all = all | Cap::kContent;
    if (options_.openers) all = all | Cap::kOpeners;
    return all;
  }

  Result<ExitStatus> run(const Command& command, EventSink& sink, std::stop_token stop) override {
    Session session(options_, inputs_ ? &*inputs_ : nullptr, sink, std::move(stop));
    return options_.attach.empty() ? session.run(command) : session.attach();
  }

 private:
  Options options_;
  std::optional<InputStore> inputs_;
};

}  // namespace

Result<std::unique_ptr<Tracer>> make_tracer(Options options) {
  const bool outlives = options.daemons == Daemons::kDetach || options.survive_tracer;
  if (outlives && (options.stops == Stops::kNotify || options.stops == Stops::kFilter))
    return fail(Errc::kUnsupported,
                "processes that go on without their tracer cannot have its filter: every call that "
                "it watches would fail; use --stops syscall");
  if (outlives) options.stops = Stops::kSyscall;
  std::optional<InputStore> inputs;
  if (!options.save_inputs.empty()) {
    auto store = InputStore::open(options.save_inputs);
    if (!store) return fail(store.error());
    inputs = *std::move(store);
  }
  return std::unique_ptr<Tracer>(
      std::make_unique<PtraceTracer>(std::move(options), std::move(inputs)));
}

}  // namespace fptrace::ptrace
