#include <signal.h>
#include <sys/resource.h>

#include <iostream>
#include <vector>

#include "frontends/cli/subcommand.h"

namespace {

void take_note(int) {}

// A write beyond RLIMIT_FSIZE or to a closed pipe shall fail, not kill: the traced program must not
// lose its tracer to a full log. A handler and not SIG_IGN, which the program would inherit.
void outlive(int signal) {
  struct sigaction now {};
  if (::sigaction(signal, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) return;
  now.sa_handler = take_note;
  now.sa_flags = SA_RESTART;
  ::sigaction(signal, &now, nullptr);
}

// Dies as the traced program did, so that whoever waits for fptrace sees the same status. The
// program has left its core, if any; fptrace must not add its own.
void die_by(int signal) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::signal(signal, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(signal);
}

}  // namespace

int main(int argc, char** argv) {
  outlive(SIGXFSZ);
  outlive(SIGPIPE);
  const std::vector<std::string_view> args(argv + 1, argv + argc);
  const auto status = fptrace::cli::dispatch({std::cout, std::cerr}, args);
  std::cout.flush();
  if (!std::cout && status == fptrace::ExitStatus{}) {
    std::cerr << "fptrace: cannot write to standard output\n";
    return fptrace::cli::kToolFailed;
  }
  if (status.signal == 0) return status.code;
  die_by(status.signal);
  return 128 + status.signal;  // a signal that does not end a process
}
