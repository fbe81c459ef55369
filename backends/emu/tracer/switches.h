#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "backends/emu/tracer/observer.h"

namespace fptrace::emu {

// Who has the processor. A thread stands for its process.
struct Runner {
  enum class Kind { kProcess, kKernelThread, kIdle } kind = Kind::kProcess;
  pid_t pid = 0;
  uint64_t start = 0;  // of the process, ns since boot: no two have both in common
  std::string name;    // short, as the kernel keeps it
};

// Follows the kernel as it changes from one task to another: the whole machine, not the program's
// tree alone. Times are Sight::instructions().
class Switches : public Observer {
 public:
  void prepare(Channel& channel) final { channel.want_switches(); }
  Result<Next> program_begins(const Sight& sight) final;
  Result<Next> stopped(const Sight& sight) final;
  Result<void> program_ended(const Sight& sight) final;

 protected:
  virtual void runs(uint64_t time, const Runner& who) = 0;
  // Whoever ran until now had become another program meanwhile.
  virtual void renamed(const std::string& name) = 0;
  virtual void ends(uint64_t time) = 0;

 private:
  void tell(const Sight& sight, uint64_t task);
};

}  // namespace fptrace::emu
