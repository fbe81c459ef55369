#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "backends/emu/guest/boot.h"
#include "backends/emu/guest/job.h"
#include "backends/emu/guest/marker.h"
#include "backends/emu/guest/port.h"
#include "backends/emu/guest/program.h"
#include "backends/emu/guest/relay.h"
#include "backends/emu/guest/syscalls.h"

// The guest's first process: boots, tells the host, and sleeps; there the machine's state is saved.
// Every run continues from that moment with a job of its own.

namespace fptrace::emu {
namespace {

void say_ready(Port& port) {
  Ready ready;
  ready.has_btf = ::access("/sys/kernel/btf/vmlinux", R_OK) == 0 ? 1 : 0;
  std::string content(reinterpret_cast<const char*>(&ready), sizeof ready);
  content += read_file("/proc/sys/kernel/osrelease");
  port.send(ToHost::kReady, content.data(), content.size());
}

// Spins, because the machine whose state is saved here may not be idle: for an idle one QEMU
// watches the host's clock, and writes that to the log even before a recording goes on.
void wait_for_host(Port& port) {
  const int flags = ::fcntl(port.fd(), F_GETFL);
  ::fcntl(port.fd(), F_SETFL, flags | O_NONBLOCK);
  while (!port.has_received()) port.receive();
  ::fcntl(port.fd(), F_SETFL, flags);
}

Job receive_job(Port& port) {
  wait_for_host(port);
  std::string encoded;
  for (;;) {
    auto frame = port.next();
    if (!frame) {
      port.receive();
      continue;
    }
    if (frame->type == ToGuest::kJobEnd) break;
    if (frame->type != ToGuest::kJob) give_up("the host sent something else than a job");
    encoded += frame->content;
    port.dealt_with();
  }
  auto job = decode_job(encoded);
  if (!job) give_up("the host sent a job that cannot be read");
  return *std::move(job);
}

// Waits for the program to be executed, or for the reason why it was not.
void watch_exec(Port& port, int exec_error) {
  int32_t error = 0;
  ssize_t n;
  while ((n = ::read(exec_error, &error, sizeof error)) < 0 && errno == EINTR) {}
  ::close(exec_error);
  if (n == sizeof error) port.send(ToHost::kExecFailed, &error, sizeof error);
}

[[noreturn]] void serve() {
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  ::signal(SIGPIPE, SIG_IGN);

  boot();
  Port port(open_port());
  set_failure_port(port.fd());
  say_ready(port);
  const Job job = receive_job(port);
  personalize(job);
  enter_root(job);
  ::sigprocmask(SIG_BLOCK, &child, nullptr);
  const Program program = start_program(job);
  watch_exec(port, program.exec_error);
  Exited exited;
  exited.status = Relay(port, program).run();
  mark(Marker::kProgramEnded, uint32_t(exited.status));
  exited.clock = __builtin_ia32_rdtsc();
  port.send(ToHost::kExited, &exited, sizeof exited);
  for (;;) ::pause();
}

}  // namespace
}  // namespace fptrace::emu

int main() {
  ::umask(0);
  fptrace::emu::serve();
}
