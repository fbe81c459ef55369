#include "common/event/tee_sink.h"

#include <array>
#include <utility>

namespace fptrace {

std::string describe(Cap caps) {
  static constexpr std::array<std::pair<Cap, const char*>, 7> kNames{
      {{Cap::kProcesses, "processes"},
       {Cap::kFiles, "files"},
       {Cap::kMaps, "mappings"},
       {Cap::kSignals, "signals"},
       {Cap::kContent, "contents"},
       {Cap::kTaint, "taint"},
       {Cap::kOpeners, "openers"}}};
  std::string out;
  for (const auto& [cap, name] : kNames) {
    if (missing(cap, caps) != Cap::kNone) continue;
    if (!out.empty()) out += ", ";
    out += name;
  }
  return out;
}

Result<void> check_needs(const std::string& analysis, Cap needs, const std::string& backend,
                         Cap has) {
  const Cap gap = missing(needs, has);
  if (gap == Cap::kNone) return {};
  return fail(Errc::kUnsupported, "the " + analysis + " needs what the backend '" + backend +
                                      "' does not report: " + describe(gap));
}

Result<void> TeeSink::on_event(const Event& event) {
  last_seq_ = event.seq;
  return tell_all([&](EventSink& sink) { return sink.on_event(event); });
}

Result<void> TeeSink::on_idle() {
  return tell_all([](EventSink& sink) { return sink.on_idle(); });
}

template <class Call>
Result<void> TeeSink::tell_all(Call call) {
  for (size_t i = 0; i < sinks_.size();) {
    auto taken = call(*sinks_[i].sink);
    if (taken) {
      ++i;
      continue;
    }
    failures_.push_back({std::move(sinks_[i].name), last_seq_, std::move(taken.error())});
    sinks_.erase(sinks_.begin() + std::ptrdiff_t(i));
    if (tell_) tell_(failures_.back());
    if (sinks_.empty()) return fail(failures_.back().error);
  }
  return {};
}

}  // namespace fptrace
