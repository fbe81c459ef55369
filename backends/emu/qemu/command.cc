#include "backends/emu/qemu/command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string_view>

#include "common/base/exec_pointers.h"
#include "common/base/unique_fd.h"

namespace fptrace::emu {
namespace {

constexpr int kCannotRun = 127;

struct Pipe {
  UniqueFd read, write;
};

Result<Pipe> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) < 0) return fail_errno("pipe");
  return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

[[noreturn]] void run_child(char* const* argv, const char* directory, int out, int err) {
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (*directory == '\0' || ::chdir(directory) == 0) ::execvp(argv[0], argv);
  ::_exit(kCannotRun);
}

// Reads both to their ends.
void read_both(int out, int err, std::string& printed, std::string& complaint) {
  std::array<pollfd, 2> fds{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    for (auto& p : fds) {
      if (p.fd < 0 || p.revents == 0) continue;
      char buffer[4096];
      const ssize_t n = ::read(p.fd, buffer, sizeof buffer);
      if (n > 0) {
        (&p == &fds[0] ? printed : complaint).append(buffer, size_t(n));
      } else if (n == 0 || errno != EINTR) {
        p.fd = -1;
      }
    }
  }
}

std::string last_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

Result<std::string> run_command(const std::vector<std::string>& argv,
                                const std::string& directory) {
  auto out = make_pipe(), err = make_pipe();
  if (!out) return fail(out.error());
  if (!err) return fail(err.error());
  const std::vector<char*> args = exec_pointers(argv);
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) run_child(args.data(), directory.c_str(), out->write.get(), err->write.get());
  out->write = UniqueFd();
  err->write = UniqueFd();
  std::string printed, complaint;
  read_both(out->read.get(), err->read.get(), printed, complaint);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return printed;
  std::string why = last_line(complaint);
  if (why.empty() && WIFEXITED(status) && WEXITSTATUS(status) == kCannotRun) why = "cannot be run";
  if (why.empty()) why = "failed";
  return fail(Errc::kBackend, argv[0] + ": " + why);
}

}  // namespace fptrace::emu
