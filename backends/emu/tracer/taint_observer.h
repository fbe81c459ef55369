#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "backends/emu/tracer/observer.h"
#include "backends/emu/tracer/taint_code.h"
#include "backends/emu/tracer/taint_engine.h"
#include "backends/emu/tracer/taint_files.h"
#include "backends/emu/tracer/taint_outputs.h"
#include "backends/emu/tracer/taint_request.h"

namespace fptrace::emu {

// Follows labels through a replay: puts them on the sources that are asked for, and makes events of
// where they turn up.
class TaintObserver final : public Observer {
 public:
  explicit TaintObserver(TaintSettings settings) : settings_(std::move(settings)) {}

  Cap capabilities() const override { return Cap::kTaint; }
  void prepare(Channel& channel) override { channel.want_taint(true); }
  Result<void> kernel_found(Channel& channel, const GuestKernel& kernel) override;
  Result<Next> program_begins(const Sight& sight) override;
  Result<Next> stopped(const Sight& sight) override;
  Result<void> program_ended(const Sight& sight) override;

 private:
  // sources
  Result<void> add_file(const Sight& sight, GuestThread& program, const TaintSettings::File& file);
  Result<void> on_program(const Sight& sight, GuestThread& thread);
  Result<void> label_string(const Sight& sight, const AddressSpace& space, TaintOrigin origin,
                            const std::string& name, uint64_t vaddr, uint64_t size);
  Result<void> label_stream(const Sight& sight, TaintOrigin origin, const AddressSpace& space,
                            const std::vector<UserBytes>& bytes, uint64_t offset, uint64_t size);
  Result<void> on_marker(const Sight& sight);
  Result<void> answer(const Sight& sight, const std::vector<TaintSetId>& ids, TaintQueryEvent from);
  uint32_t take_labels(uint64_t count);

  // findings
  Result<void> act(const Sight& sight);
  void on_reports(const Sight& sight);
  Result<void> on_task_end(const Sight& sight, GuestThread& thread);
  Result<void> tell_findings(const Sight& sight, const GuestThread* thread, uint64_t task);
  Result<void> tell_how_it_went(const Sight& sight);
  void note(const Sight& sight, std::string what, std::string detail);

  TaintSettings settings_;
  struct Parts {
    Parts(Channel& channel, bool network)
        : engine(channel), files(engine), outputs(engine, network) {}
    TaintEngine engine;
    FileLabels files;
    TaintOutputs outputs;
  };
  std::optional<Parts> parts_;  // once the kernel is known
  uint64_t next_label_ = 0;
  uint32_t stdin_labels_ = 0, network_labels_ = 0, guest_labels_ = 0;  // where theirs begin
  bool program_runs_ = false;
  TaintCode code_;
  std::map<size_t, CodePlace> places_;  // of findings, by their index
  std::set<size_t> told_;
  std::set<size_t> told_holders_;
};

}  // namespace fptrace::emu
