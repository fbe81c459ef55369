#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/path/resolver.h"
#include "common/syscall/arguments.h"
#include "common/syscall/decoder.h"

// What the parts of the decoder share: one part a family of calls, each with one add_*_calls().

namespace fptrace {

// What a part of the decoder has at hand at a call's entry, or at its exit.
struct Scene {
  TaskView& task;
  PathResolver& resolver;
};

// The result of a call, in the terms of events.
struct Outcome {
  explicit Outcome(int64_t result)
      : error(result < 0 && result >= -4095 ? int32_t(-result) : 0),
        known(result != kSucceeded),
        value(known && error == 0 ? uint64_t(result) : 0) {}

  bool ok() const { return error == 0; }
  int32_t fd() const { return known && ok() ? int32_t(value) : -1; }

  int32_t error;
  bool known;  // not predicted
  uint64_t value;
};

// A call between its entry and its exit.
class DecodedCall : public PendingCall {
 public:
  const std::vector<Change>& may_change() const override { return may_change_; }
  bool may_block() const override { return may_block_; }
  bool opens() const override { return false; }
  std::optional<int64_t> predicted() const override { return predicted_; }

  virtual void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const = 0;

 protected:
  // Regular files only: nothing else has content of its own.
  void changes(const FileRef& file, bool keeps_content);
  void may_block(bool yes) { may_block_ = yes; }
  void predict(std::optional<int64_t> result) { predicted_ = result; }

 private:
  std::vector<Change> may_change_;
  std::optional<int64_t> predicted_;
  bool may_block_ = false;
};

// A path that a call names.
struct NamedPath {
  Resolution found;
  bool readable = true;  // false: no string at its address; `found` tells nothing
  PathRequest request;   // to look again

  const FileRef& file() const { return found.lookup.file; }
  bool exists() const { return readable && found.error == 0 && file().exists(); }
  // The kernel will find the same: `found` holds for the result.
  bool certain() const { return readable && found.certain; }
};

// Reads the path at `addr` and looks it up.
NamedPath name_path(Scene scene, int dirfd, uint64_t addr, LastLink last,
                    bool empty_is_dirfd = false, uint64_t resolve = 0);
NamedPath name_path(Scene scene, PathRequest request);
// What a call on `fd` alone works on.
NamedPath name_descriptor(Scene scene, int fd);

// The lookup as an event has it, once the result is known: a file that the kernel did not find is
// not there, one that it found is looked for again if we did not see it.
Lookup settle(Scene scene, const NamedPath& name, const Outcome& outcome);
// The same after a call that made the name.
Lookup settle_made(Scene scene, const NamedPath& name, const Outcome& outcome);

// What `call` did is not known, because the string it named could not be read.
GapEvent unreadable_path(std::string_view call);

using Handler = std::function<std::unique_ptr<DecodedCall>(Scene, const Arguments&)>;
using Handlers = std::unordered_map<std::string_view, Handler>;  // by SyscallRow::name

void add_open_calls(Handlers& handlers);
void add_path_calls(Handlers& handlers);
void add_name_calls(Handlers& handlers);
void add_exec_calls(Handlers& handlers);
void add_mount_calls(Handlers& handlers);
void add_socket_calls(Handlers& handlers);
void add_descriptor_calls(Handlers& handlers);
void add_gap_calls(Handlers& handlers);

}  // namespace fptrace
