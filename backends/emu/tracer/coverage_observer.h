#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "backends/emu/tracer/drcov.h"
#include "backends/emu/tracer/observer.h"

namespace fptrace::emu {

// Collects which code each process of the trace ran: what it and the libraries that it had mapped
// did in user mode, block by block.
class CoverageObserver final : public Observer {
 public:
  struct Process {
    ProcessKey key;
    std::string name;  // short, the last that it had
    std::vector<DrcovModule> modules;
    std::vector<DrcovBlock> blocks;  // in order
  };

  void prepare(Channel& channel) override { channel.want_blocks(); }
  Result<void> kernel_found(Channel& channel, const GuestKernel& kernel) override;
  Result<Next> program_begins(const Sight& sight) override;
  Result<Next> stopped(const Sight& sight) override;
  Result<void> program_ended(const Sight& sight) override;

  // By ProcessKey.
  std::vector<Process> processes() const;
  // Blocks that could not be told: of modules too big or too many for the format.
  uint64_t left_out() const { return left_out_; }

 private:
  struct Collected {
    std::string name;
    std::vector<MemoryRegion> regions;  // as they were last
    bool stale = true;                  // they may be others by now
    std::vector<DrcovModule> modules;
    std::map<std::pair<uint64_t, std::string>, uint16_t> numbers;  // of modules, by base and path
    std::set<DrcovBlock> blocks;
  };

  void take_reports(const Sight& sight);
  void add(const Sight& sight, const Report& report);
  const MemoryRegion* region_at(GuestThread& thread, Collected& process, uint64_t vaddr);
  static DrcovModule module_of(const Collected& process, const MemoryRegion& region);

  std::map<ProcessKey, Collected> processes_;
  uint64_t left_out_ = 0;
};

}  // namespace fptrace::emu
