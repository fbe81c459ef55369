#include "frontends/cli/replay_at.h"

#include <utility>

#include "backends/emu/tracer/emu_tracer.h"
#include "frontends/cli/machine_session.h"

namespace fptrace::cli {
namespace {

class NoEvents final : public EventSink {
 public:
  Result<void> on_event(const Event&) override { return {}; }
};

Result<void> observe(const std::string& path, emu::Observer& observer, std::stop_token stop) {
  emu::Options options;
  options.replay = path;
  options.hash = false;
  options.calls = emu::Calls::kExec;
  options.observers = {&observer};
  options.output = [](emu::Stream, const char*, size_t) { return true; };
  const auto tracer = emu::make_tracer(std::move(options));
  if (!tracer) return fail(tracer.error());
  NoEvents none;
  const auto status = (*tracer)->run({}, none, std::move(stop));
  if (!status) return fail(status.error());
  return {};
}

}  // namespace

Result<void> look_at(const std::string& path, emu::Moment moment, const emu::AtMoment::Look& look,
                     int& signal) {
  const Interruption interruption;
  Result<void> result;
  if (moment.kind == emu::Moment::Kind::kPercent) {
    // How long the run is tells only its end.
    emu::Length length;
    result = observe(path, length, interruption.token());
    moment = emu::instant_of(moment, length.instructions());
  }
  if (result) {
    emu::AtMoment observer(moment, look);
    result = observe(path, observer, interruption.token());
  }
  signal = interruption.signal();
  return result;
}

}  // namespace fptrace::cli
