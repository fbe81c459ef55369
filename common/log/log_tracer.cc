#include "common/log/log_tracer.h"

#include "common/log/log_reader.h"

namespace fptrace {
namespace {

class LogTracer : public Tracer {
 public:
  explicit LogTracer(LogReader reader) : reader_(std::move(reader)) {}

  Cap capabilities() const override { return Cap(reader_.header().capabilities); }

  Result<ExitStatus> run(const Command&, EventSink& sink, std::stop_token stop) override {
    if (auto ok = reader_.seek(0); !ok) return fail(ok.error());
    ExitStatus status;
    for (;;) {
      const auto event = reader_.next();
      if (!event) return fail(event.error());
      if (*event == nullptr) return status;
      if (const auto* end = std::get_if<TraceEndEvent>(&(*event)->body)) status = end->status;
      if (auto ok = sink.on_event(**event); !ok) return fail(ok.error());
      if (stop.stop_requested()) {
        return fail(Errc::kIo,
                    "replay of the event log stopped after event " + std::to_string((*event)->seq));
      }
    }
  }

 private:
  LogReader reader_;
};

}  // namespace

Result<std::unique_ptr<Tracer>> make_log_tracer(const std::string& path) {
  auto reader = LogReader::open(path);
  if (!reader) return fail(reader.error());
  return std::make_unique<LogTracer>(std::move(*reader));
}

}  // namespace fptrace
