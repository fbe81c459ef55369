#pragma once
#include <set>
#include <string>
#include <vector>

#include "backends/emu/recording/disk_reader.h"
#include "common/event/tracer.h"

namespace fptrace::emu {

// Notes what a program in a guest did not find, to tell of it what this host has: the program was
// never run here, so what is taken along for it is guessed. Passes all events on.
class LeftOut final : public EventSink {
 public:
  // `next` must outlive the object.
  explicit LeftOut(EventSink& next) : next_(next) {}

  Result<void> on_event(const Event& event) override;

  // Sentences for the user, with what to do; none when nothing was left out. `disk`: what the guest
  // began with.
  std::vector<std::string> sentences(const DiskReader& disk) const;

 private:
  void look_for(const Lookup& at, int32_t error);
  std::string missing_files(const DiskReader& disk) const;

  EventSink& next_;
  std::set<std::string> missing_, listed_;  // paths
};

}  // namespace fptrace::emu
