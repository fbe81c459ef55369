#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "backends/emu/channel/find_wire.h"
#include "backends/emu/tracer/call_stack.h"
#include "backends/emu/tracer/observer.h"

namespace fptrace::emu {

// Looks for a string in what the whole guest reads and writes while the program runs.
class FindObserver final : public Observer {
 public:
  struct Options {
    std::string bytes;                                 // 1 to kLongestFind
    uint32_t where = kFindUserCode | kFindKernelCode;  // FindWhere
    uint32_t most_places = 256;  // that are told with all of the below; the others are counted
  };
  // One place in the code of one process.
  struct Place {
    pid_t pid = 0, tid = 0;
    std::string name;  // short, of the process
    bool write = false, kernel = false;
    uint64_t pc = 0, hits = 0;
    NamedAddress function;  // of code of the kernel, if it is known
    // Of the first hit.
    uint64_t instructions = 0, vaddr = 0, paddr = 0;
    // From the innermost frame on; of code of the kernel: of the program that entered it, if one
    // did.
    std::vector<StackFrame> stack;
  };

  explicit FindObserver(Options options) : options_(std::move(options)) {}

  void prepare(Channel& channel) override { channel.want_find(options_.where); }
  Result<Next> program_begins(const Sight& sight) override;
  Result<Next> stopped(const Sight& sight) override;
  Result<void> program_ended(const Sight& sight) override;

  // In the order of their first hits. Complete once the program has ended.
  const std::vector<Place>& places() const { return places_; }
  uint64_t hits() const { return hits_; }  // in all
  uint64_t other_places() const { return other_places_; }

 private:
  void add(const Sight& sight, const Report& report);
  void name_kernel_code(const GuestKernel& kernel);

  Options options_;
  std::vector<Place> places_;
  std::map<std::tuple<uint64_t, uint64_t, uint32_t>, size_t> index_;  // by life, pc, flags
  CallStacks stacks_;
  uint64_t hits_ = 0, other_places_ = 0;
};

}  // namespace fptrace::emu
