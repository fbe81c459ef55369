#pragma once
#include <functional>
#include <string>
#include <vector>

#include "common/event/tracer.h"

namespace fptrace {

// "processes, files": for a person.
std::string describe(Cap caps);

// Refuses, naming both, an analysis that needs more than the backend can report.
Result<void> check_needs(const std::string& analysis, Cap needs, const std::string& backend,
                         Cap has);

// Passes every event to several sinks. One that fails gets no more, and the others go on: a full
// disk under the log must not cost the manifest.
class TeeSink : public EventSink {
 public:
  struct Failure {
    std::string sink;  // the name it was added under
    uint64_t seq = 0;  // of the first event that it did not take, or the last one before
    Error error;
  };

  // `sink` must outlive this object.
  void add(std::string name, EventSink& sink) { sinks_.push_back({std::move(name), &sink}); }
  // Called at the moment of a failure, on the tracer's thread.
  void on_failure(std::function<void(const Failure&)> tell) { tell_ = std::move(tell); }

  // An error only when no sink is left to report to.
  Result<void> on_event(const Event& event) override;
  Result<void> on_idle() override;
  const std::vector<Failure>& failures() const { return failures_; }

 private:
  struct Entry {
    std::string name;
    EventSink* sink;
  };
  template <class Call>
  Result<void> tell_all(Call call);

  uint64_t last_seq_ = 0;
  std::vector<Entry> sinks_;
  std::vector<Failure> failures_;
  std::function<void(const Failure&)> tell_;
};

}  // namespace fptrace
