#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/emu/tracer/observer.h"
#include "backends/emu/tracer/taint_calls.h"
#include "backends/emu/tracer/taint_engine.h"

namespace fptrace::emu {

// Tells which bytes that leave a process have labels: those of files by what the kernel has of them
// in memory when a process is done with them, those of pipes, sockets and terminals by the calls
// that write to them.
class TaintOutputs {
 public:
  // `network`: what is received is of interest, too.
  TaintOutputs(TaintEngine& engine, bool network) : engine_(engine), network_(network) {}

  // Which calls the guest must stop at.
  static void choose_calls(Channel& channel);

  Result<void> on_call(const Sight& sight, GuestThread& thread);
  // What came from the network by the call that is over, and how much of that source was before.
  struct Received {
    std::vector<UserBytes> bytes;
    uint64_t before = 0, size = 0;
  };
  Result<std::optional<Received>> on_return(const Sight& sight, GuestThread& thread);
  // The last thread of a process is about to end.
  Result<void> on_end(const Sight& sight, GuestThread& thread);
  // Calls whose bytes could not be followed.
  uint64_t unseen() const { return unseen_; }

 private:
  using Identity = std::pair<uint64_t, uint64_t>;  // device and inode
  struct Pending {
    MovedBytes moved;
    TaintSink sink = TaintSink::kOther;
    FileRef file;
    uint64_t from_inode = 0;  // of kFileOut
    uint64_t call_site = 0;
  };

  std::optional<TaintSink> sink_of(const FileRef& file) const;
  Result<void> on_close(const Sight& sight, GuestThread& thread, std::string_view call,
                        const SyscallCall& args);
  Result<void> report_open_files(const Sight& sight, GuestThread& thread);
  Result<void> report_mapped_files(const Sight& sight, GuestThread& thread);
  Result<void> report_descriptor(const Sight& sight, GuestThread& thread, int fd);
  Result<void> report_file(const Sight& sight, GuestThread& thread, uint64_t inode,
                           const FileRef& file);
  Result<void> tell(const Sight& sight, GuestThread& thread, const Pending& call, uint64_t size);
  Result<std::vector<LabelledSpan>> spans_of_file(const Sight& sight, uint64_t inode, uint64_t from,
                                                  uint64_t to);

  TaintEngine& engine_;
  bool network_;
  uint64_t unseen_ = 0, received_ = 0;
  std::unordered_map<uint64_t, Pending> pending_;          // by task
  std::map<Identity, uint64_t> written_;                   // to pipes and the like: bytes so far
  std::map<Identity, std::vector<LabelledSpan>> reported_;  // of files, as last told
};

}  // namespace fptrace::emu
