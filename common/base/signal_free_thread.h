#pragma once
#include <pthread.h>
#include <signal.h>

namespace fptrace {

// Starts a thread that gets no signal meant for the process: those are for the threads that wait
// for them. An errno, 0 for success.
inline int start_signal_free_thread(pthread_t& thread, void* (*run)(void*), void* argument) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = ::pthread_create(&thread, nullptr, run, argument);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error;
}

}  // namespace fptrace
