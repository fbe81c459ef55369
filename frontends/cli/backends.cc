#include "frontends/cli/backends.h"

#include <cstdlib>
#include <utility>

#include "backends/ptrace/ptrace_tracer.h"

namespace fptrace::cli {
namespace {

Result<ptrace::Stops> wanted_stops(const Arguments& args) {
  const char* preset = std::getenv("FPTRACE_STOPS");
  const std::string stops = args.value("stops", preset && *preset ? preset : "auto");
  if (stops == "auto") return ptrace::Stops::kAuto;
  if (stops == "notify") return ptrace::Stops::kNotify;
  if (stops == "filter") return ptrace::Stops::kFilter;
  if (stops == "syscall") return ptrace::Stops::kSyscall;
  return fail(Errc::kParse,
              "FPTRACE_STOPS is \"" + stops + "\"; set it to auto, notify, filter or syscall");
}

Result<ptrace::Options> ptrace_options(const Arguments& args) {
  ptrace::Options out;
  const auto stops = wanted_stops(args);
  if (!stops) return fail(stops.error());
  out.stops = *stops;

  if (args.has("detach-daemons") && args.has("kill-on-exit")) {
    return fail(Errc::kParse, "--detach-daemons and --kill-on-exit exclude each other");
  }
  if (args.has("detach-daemons")) out.daemons = ptrace::Daemons::kDetach;
  if (args.has("kill-on-exit")) out.daemons = ptrace::Daemons::kKill;
  out.survive_tracer = args.has("survive");

  out.hash = !args.has("no-hash");
  out.save_inputs = args.value("save-inputs");
  if (!out.hash && !out.save_inputs.empty())
    return fail(Errc::kParse, "--no-hash and --save-inputs exclude each other");
  out.openers = args.has("openers");
  return out;
}

}  // namespace

Result<NamedTracer> make_tracer(const Arguments& args, TracerRequest request) {
  auto options = ptrace_options(args);
  if (!options) return fail(options.error());
  options->attach = std::move(request.attach);
  options->progress = std::move(request.progress);
  options->warn = std::move(request.warn);
  auto tracer = ptrace::make_tracer(*std::move(options));
  if (!tracer) {
    // Options that exclude each other.
    if (tracer.error().code == Errc::kUnsupported) return fail(Errc::kParse, tracer.error().what);
    return fail(tracer.error());
  }
  return NamedTracer{"ptrace", *std::move(tracer)};
}

}  // namespace fptrace::cli
