#include "tests/support/traced_case.h"

#include <unistd.h>

#include <cstdio>
#include <sstream>

#include "common/analysis/invariants.h"
#include "common/log/log_tracer.h"
#include "common/log/log_writer.h"
#include "fingerprint/builder.h"
#include "fingerprint/manifest_file.h"
#include "tests/support/event_lines.h"

namespace fptrace::testing {
namespace {

constexpr const char* kWarning = "fptrace warns: ";

// Keeps the events; tells an attached program when to go on and when the tracer is to let it go.
class RecordingSink : public EventSink {
 public:
  RecordingSink(EventSink* log, std::function<void()> attached, std::stop_source detach,
                std::string detach_at)
      : log_(log),
        attached_(std::move(attached)),
        detach_(std::move(detach)),
        detach_at_(std::move(detach_at)) {}

  Result<void> on_event(const Event& event) override {
    events_.push_back(event);
    if (log_ != nullptr) {
      if (auto ok = log_->on_event(event); !ok) return ok;
    }
    if (std::holds_alternative<AttachEvent>(event.body) && attached_) attached_();
    const auto* open = std::get_if<OpenEvent>(&event.body);
    if (open != nullptr && !detach_at_.empty() && open->at.file.path == detach_at_) {
      detach_.request_stop();
    }
    return {};
  }
  const std::vector<Event>& events() const { return events_; }

 private:
  EventSink* log_;
  std::function<void()> attached_;
  std::stop_source detach_;
  std::string detach_at_;
  std::vector<Event> events_;
};

class CollectingSink : public EventSink {
 public:
  Result<void> on_event(const Event& event) override {
    events.push_back(event);
    return {};
  }
  std::vector<Event> events;
};

// Where the process that traced leaves its results for the test to read.
struct Files {
  explicit Files(const std::string& dir)
      : verdict(dir + "/verdict"),
        manifest(dir + "/manifest.json"),
        processes(dir + "/processes"),
        invariants(dir + "/invariants"),
        log(dir + "/trace.fplog") {}
  std::string verdict, manifest, processes, invariants, log;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

// Runs in the process that traces.
class Body {
 public:
  Body(const Backend& backend, const CaseRunner& runner, Files files)
      : backend_(backend), runner_(runner), files_(std::move(files)) {}

  int run(pid_t attach_to, const std::function<void()>& attached) {
    const auto status = trace(attach_to, attached);
    std::string verdict;
    if (status) {
      verdict = "ended " + std::to_string(status->code) + " " + std::to_string(status->signal);
    } else {
      const Errc code = status.error().code;
      const bool cannot = code == Errc::kUnsupported || code == Errc::kPermission;
      verdict = (cannot ? "unsupported " : "failed ") + status.error().what;
    }
    return write_file(files_.verdict, verdict) ? 0 : 125;
  }

 private:
  Result<ExitStatus> trace(pid_t attach_to, const std::function<void()>& attached) {
    TraceRequest request;
    request.daemons = runner_.expectation().daemons;
    if (attach_to != 0) request.attach = {attach_to};
    request.needed = runner_.needed();
    request.warn = [](const std::string& s) {
      std::fprintf(stderr, "%s%s\n", kWarning, s.c_str());
    };
    auto tracer = backend_.make(request);
    if (!tracer) return fail(tracer.error());
    std::unique_ptr<LogWriter> log;
    if (backend_.via_log) {
      LogWriter::Options options;
      options.capabilities = (*tracer)->capabilities();
      auto made = LogWriter::create(files_.log, options);
      if (!made) return fail(Errc::kIo, made.error().what);
      log = *std::move(made);
    }
    std::stop_source stop;
    const bool detaches = runner_.expectation().attach == Attach::kThenDetach;
    RecordingSink sink(log.get(), attached, stop, detaches ? runner_.work() + "/detach" : "");
    const Command command{attach_to == 0 ? runner_.command() : std::vector<std::string>{}};
    const auto status = (*tracer)->run(command, sink, stop.get_token());
    if (!status) return status;
    std::vector<Event> events = sink.events();
    if (log) {
      if (auto ok = log->finish(); !ok) return fail(Errc::kIo, ok.error().what);
      auto read_back = through_log(events, *status);
      if (!read_back) return fail(read_back.error());
      events = *std::move(read_back);
    }
    if (auto ok = report(events); !ok) return fail(ok.error());
    return status;
  }

  // What the log gives back must be what went in.
  Result<std::vector<Event>> through_log(const std::vector<Event>& written, ExitStatus status) {
    auto reader = make_log_tracer(files_.log);
    if (!reader) return fail(Errc::kIo, reader.error().what);
    CollectingSink sink;
    const auto replayed = (*reader)->run({}, sink);
    if (!replayed) return fail(Errc::kIo, "read the log back: " + replayed.error().what);
    if (*replayed != status) return fail(Errc::kIo, "the log tells another exit status");
    if (sink.events != written) return fail(Errc::kIo, "the log gives back other events");
    return std::move(sink.events);
  }

  Result<void> report(const std::vector<Event>& events) {
    ManifestOptions options;
    options.packages = false;  // thousands of files of the package database, for every case
    ManifestBuilder builder(options);
    Invariants invariants;
    if (events.empty()) return fail(Errc::kBackend, "no events: two silent backends would agree");
    for (const auto& event : events) {
      if (auto ok = builder.on_event(event); !ok) return ok;
      if (auto ok = invariants.on_event(event); !ok) return ok;
    }
    if (auto ok = write_file(files_.manifest, to_json(builder.finish())); !ok) return ok;
    std::vector<std::string> broken;
    for (const auto& one : invariants.violations()) {
      broken.push_back("event " + std::to_string(one.seq) + ": " + one.what);
    }
    if (auto ok = write_file(files_.invariants, joined(broken)); !ok) return ok;
    return write_file(files_.processes, joined(process_lines(events)));
  }

  const Backend& backend_;
  const CaseRunner& runner_;
  Files files_;
};

Result<void> read_verdict(const std::string& text, TracedCase& traced) {
  std::istringstream in(text);
  std::string kind, rest;
  in >> kind;
  if (kind == "ended") {
    in >> traced.status.code >> traced.status.signal;
    return {};
  }
  std::getline(in >> std::ws, rest);
  if (kind != "unsupported" && kind != "failed") {
    const ExitStatus& status = traced.observed.run.status;
    return fail(Errc::kTracee, "the tracing process ended without a word (exit " +
                                   std::to_string(status.code) + ", signal " +
                                   std::to_string(status.signal) + ")");
  }
  (kind == "failed" ? traced.failure : traced.unsupported) = rest;
  return {};
}

}  // namespace

Result<TracedCase> run_traced_case(const Backend& backend, CaseRunner& runner, bool pipes) {
  const Files files(runner.results());
  auto observed = runner.run_traced(
      [&](pid_t attach_to, const std::function<void()>& attached) {
        return Body(backend, runner, files).run(attach_to, attached);
      },
      {pipes, backend.in_guest});
  if (!observed) return fail(observed.error());
  TracedCase traced;
  traced.observed = *std::move(observed);
  if (traced.observed.run.hung) return traced;
  if (auto ok = read_verdict(read_file(files.verdict).value_or(""), traced); !ok) {
    traced.failure = ok.error().what;
  }
  if (!traced.unsupported.empty() || !traced.failure.empty()) return traced;
  for (const auto& line : split(traced.observed.errors)) {
    if (line.starts_with(kWarning)) ++traced.warnings;
  }
  // An attached program is the container's own child: what it ended with was seen from outside.
  if (runner.expectation().attach != Attach::kNo) traced.status = traced.observed.run.status;
  auto json = read_file(files.manifest);
  if (!json) return fail(json.error());
  traced.manifest_json = *std::move(json);
  auto manifest = manifest_from_json(traced.manifest_json);
  if (!manifest) return fail(Errc::kParse, "manifest: " + manifest.error().what);
  traced.manifest = *std::move(manifest);
  traced.processes = split(read_file(files.processes).value_or(""));
  traced.broken_invariants = split(read_file(files.invariants).value_or(""));
  return traced;
}

}  // namespace fptrace::testing
