#include "tests/support/backend_param.h"

#include <cstdlib>

#include "backends/emu/tracer/emu_tracer.h"
#include "backends/ptrace/ptrace_tracer.h"
#include "tests/support/case_run.h"

namespace fptrace::testing {
namespace {

Result<std::unique_ptr<Tracer>> ptrace_tracer(ptrace::Stops stops, const TraceRequest& request) {
  ptrace::Options options;
  options.stops = stops;
  options.attach = request.attach;
  options.warn = request.warn;
  switch (request.daemons) {
    case Leftovers::kFollow:
      options.daemons = ptrace::Daemons::kFollow;
      break;
    case Leftovers::kDetach:
      options.daemons = ptrace::Daemons::kDetach;
      break;
    case Leftovers::kKill:
      options.daemons = ptrace::Daemons::kKill;
      break;
  }
  return ptrace::make_tracer(std::move(options));
}

Backend ptrace_backend(const std::string& name, ptrace::Stops stops, bool via_log = false) {
  const bool filters = stops == ptrace::Stops::kNotify || stops == ptrace::Stops::kFilter;
  return {name,
          "Ptrace",
          via_log,
          false,
          filters ? no_seccomp().value_or("") : "",
          [stops](const TraceRequest& request) { return ptrace_tracer(stops, request); }};
}

Result<std::unique_ptr<Tracer>> emu_tracer(const TraceRequest& request) {
  emu::Options options;
  // Half the time of a recording and a replay, by the same code. That a replay tells the same is
  // what the tests of replay are about.
  options.live = true;
  options.record.include = request.needed;
  options.record.timeout = std::chrono::seconds(120);
  options.warn = request.warn;
  return emu::make_tracer(std::move(options));
}

}  // namespace

std::string Backend::unfit(const Expectation& e) const {
  if (!excluded.empty()) return excluded;
  if (!e.only.empty() && !e.only.contains(name)) return "this case is about other backends";
  if (const auto known = e.not_yet.find(name); known != e.not_yet.end()) return known->second;
  if (!in_guest) return "";
  if (e.attach != Attach::kNo) return "a program that runs on this host is not in a guest";
  if (!e.server.empty()) return "its server runs on this host";
  if (e.daemons != Leftovers::kFollow) return "a guest ends when all of its programs have";
  return "";
}

const std::vector<Backend>& backends() {
  static const std::vector<Backend> all = {
      ptrace_backend("Notify", ptrace::Stops::kNotify),
      ptrace_backend("Filter", ptrace::Stops::kFilter),
      ptrace_backend("Syscall", ptrace::Stops::kSyscall),
      ptrace_backend("Log", no_seccomp() ? ptrace::Stops::kSyscall : ptrace::Stops::kAuto, true),
      {"Emu", "Emu", false, true, "", emu_tracer},
  };
  return all;
}

bool required(const std::string& family) {
  const char* env = std::getenv("FPTRACE_REQUIRE_BACKENDS");
  return env != nullptr &&
         ("," + std::string(env) + ",").find("," + family + ",") != std::string::npos;
}

}  // namespace fptrace::testing
