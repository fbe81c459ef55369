#pragma once
#include <signal.h>

namespace fptrace {

// While one lives, its thread gets no signal, and what that thread makes (threads, processes)
// begins with all of them blocked: those meant for the process go to the threads that wait for
// them, and no handler runs in a child before it is another program.
class BlockAllSignals {
 public:
  BlockAllSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockAllSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockAllSignals(const BlockAllSignals&) = delete;
  BlockAllSignals& operator=(const BlockAllSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace fptrace
