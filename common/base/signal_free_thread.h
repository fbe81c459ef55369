#pragma once
#include <pthread.h>

#include "common/base/block_all_signals.h"

namespace fptrace {

// Starts a thread that gets no signal meant for the process: those are for the threads that wait
// for them. Its name (15 characters at most) is what ps(1) shows. An errno, 0 for success.
inline int start_signal_free_thread(pthread_t& thread, const char* name, void* (*run)(void*),
                                    void* argument) {
  const BlockAllSignals block;
  const int error = ::pthread_create(&thread, nullptr, run, argument);
  if (error == 0) (void)::pthread_setname_np(thread, name);
  return error;
}

}  // namespace fptrace
