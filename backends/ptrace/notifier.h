#pragma once
#include <linux/seccomp.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "common/base/result.h"
#include "common/base/unique_fd.h"

namespace fptrace::ptrace {

// The receiving end of SECCOMP_RET_USER_NOTIF (seccomp_unotify(2)). The kernel's structures may
// be larger than the ones we were built with, so buffers have the size that it asks for.
class Notifier {
 public:
  static Result<Notifier> create(UniqueFd listener);

  int fd() const { return listener_.get(); }  // readable when receive() would not block
  // nullptr: nothing there any more (the caller was killed). Valid until the next receive().
  const seccomp_notif* receive();
  // Whether another caller waits. The kernel looks through the calls in their order until it has
  // seen one received and one not: with thousands waiting this is quick only while an answer is
  // outstanding, so the latest answer is sent by the receive() that follows.
  bool more();
  // Let the call run. A caller that is gone is not an error.
  void let_run(uint64_t id);
  // Between them answers may be late, for the sake of more(). At the end none is outstanding.
  void begin_batch() { answers_late_ = true; }
  void end_batch();
  // Do not run the call now but let it start again, as after a signal without a handler.
  void restart(uint64_t id);

 private:
  void answer(uint64_t id, int32_t error, uint32_t flags);
  void send();
  UniqueFd listener_;
  bool answers_late_ = false, has_answer_ = false;
  std::vector<std::byte> request_, response_;
};

}  // namespace fptrace::ptrace
