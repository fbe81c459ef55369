#include "frontends/cli/backends.h"

#include <chrono>
#include <cstdlib>
#include <limits>
#include <span>
#include <utility>

#include "backends/emu/tracer/emu_tracer.h"
#include "backends/ptrace/ptrace_tracer.h"
#include "fingerprint/manifest_file.h"

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

// Options that mean nothing to the backend that was chosen.
Result<void> refuse(const Arguments& args, std::span<const Option> options,
                    const std::string& backend) {
  for (const Option& option : options)
    if (args.has(option.name))
      return fail(Errc::kParse, "--" + std::string(option.name) + " needs --backend " + backend);
  return {};
}

// What a recording and a replay have in common.
emu::Options emu_options(const Arguments& args, TracerRequest request) {
  emu::Options out;
  out.whole_machine = args.has("whole-machine");
  out.hash = !args.has("no-hash");
  out.openers = args.has("openers");
  out.progress = std::move(request.progress);
  out.warn = std::move(request.warn);
  return out;
}

Result<std::chrono::seconds> timeout(const Arguments& args) {
  if (!args.has("timeout")) return std::chrono::seconds(0);
  const auto seconds = parse_number(args.value("timeout"), 1, std::numeric_limits<int>::max());
  if (!seconds) return fail(Errc::kParse, "--timeout: " + seconds.error().what);
  return std::chrono::seconds(*seconds);
}

void watch(emu::Options& options, const Watching& what) {
  options.observers = what.observers;
  options.hash = options.hash && what.events;
  if (!what.events) options.calls = emu::Calls::kExec;
  if (what.all_calls) options.calls = emu::Calls::kAll;
  if (what.silent) options.output = [](emu::Stream, const char*, size_t) { return true; };
}

Result<NamedTracer> named_emu_tracer(emu::Options options) {
  auto tracer = emu::make_tracer(std::move(options));
  if (!tracer) return fail(tracer.error());
  return NamedTracer{"emu", *std::move(tracer)};
}

Result<NamedTracer> make_emu_tracer(const Arguments& args, TracerRequest request) {
  for (const char* option : {"stops", "save-inputs", "detach-daemons", "kill-on-exit", "survive"})
    if (args.has(option))
      return fail(Errc::kParse, "--" + std::string(option) + " needs --backend ptrace");
  emu::Options options = emu_options(args, std::move(request));
  const auto seconds = timeout(args);
  if (!seconds) return fail(seconds.error());
  options.record.timeout = *seconds;
  options.record.image = args.value("image", "default");
  options.record.include = args.values("include");
  options.record.warn = options.record.progress = options.warn;
  options.live = args.has("live");
  options.keep = args.value("keep");
  // Said before the program has run in vain.
  if (!options.keep.empty())
    if (auto ok = check_writable(options.keep); !ok) return fail(ok.error());
  return named_emu_tracer(std::move(options));
}

}  // namespace

Result<NamedTracer> make_replayer(const Arguments& args, const std::string& path,
                                  TracerRequest request, const Watching& what) {
  emu::Options options = emu_options(args, std::move(request));
  const auto seconds = timeout(args);
  if (!seconds) return fail(seconds.error());
  options.record.timeout = *seconds;
  options.replay = path;
  watch(options, what);
  return named_emu_tracer(std::move(options));
}

Result<NamedTracer> make_recorder(const Arguments& args, const std::string& path,
                                  const emu::RecordRequest& record, TracerRequest request,
                                  const Watching& what) {
  emu::Options options = emu_options(args, std::move(request));
  options.record = record;
  options.live = true;
  options.keep = path;
  watch(options, what);
  return named_emu_tracer(std::move(options));
}

Result<NamedTracer> make_tracer(const Arguments& args, TracerRequest request) {
  if (args.value("backend", "ptrace") == "emu") return make_emu_tracer(args, std::move(request));
  if (auto fits = refuse(args, kEmuOptions, "emu"); !fits) return fail(fits.error());
  if (auto fits = refuse(args, kGuestOptions, "emu"); !fits) return fail(fits.error());
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
