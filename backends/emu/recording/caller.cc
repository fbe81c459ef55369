#include "backends/emu/recording/caller.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

extern char** environ;

namespace fptrace::emu {
namespace {

// The command line takes these over before a recording begins.
constexpr int kOurs[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

bool same_file(int a, int b) {
  struct stat x {
  }, y{};
  return ::fstat(a, &x) == 0 && ::fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

void describe_input(Job& job) {
  struct stat st {
  }, named{};
  if (::fstat(STDIN_FILENO, &st) != 0) {
    job.input = Job::Input::kClosed;
    return;
  }
  if (S_ISCHR(st.st_mode) && st.st_rdev == ::makedev(1, 3)) {  // /dev/null
    job.input = Job::Input::kNull;
    return;
  }
  if (!S_ISREG(st.st_mode)) return;
  std::error_code error;
  const std::string path = std::filesystem::read_symlink("/proc/self/fd/0", error);
  const off_t offset = ::lseek(STDIN_FILENO, 0, SEEK_CUR);
  // One that was removed, say, can only be sent.
  if (error || offset < 0 || ::stat(path.c_str(), &named) != 0 || named.st_dev != st.st_dev ||
      named.st_ino != st.st_ino || ::access(path.c_str(), R_OK) != 0)
    return;
  job.input = Job::Input::kFile;
  job.input_file = path;
  job.input_offset = uint64_t(offset);
}

void describe_signals(Job& job) {
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  for (const int s : kOurs) ::sigdelset(&blocked, s);
  for (int s = 1; s <= SIGRTMAX; ++s) {
    struct sigaction action {};
    const uint64_t bit = uint64_t{1} << (s - 1);
    if (::sigismember(&blocked, s) == 1) job.blocked_signals |= bit;
    if (::sigaction(s, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
      job.ignored_signals |= bit;
  }
}

Result<void> describe_capabilities(Job& job) {
  auto& all = job.capabilities;
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return fail_errno("capget");
  for (unsigned i = 0; i < 2; ++i) {
    all.effective |= uint64_t{data[i].effective} << 32 * i;
    all.permitted |= uint64_t{data[i].permitted} << 32 * i;
    all.inheritable |= uint64_t{data[i].inheritable} << 32 * i;
  }
  for (unsigned long cap = 0; cap < 64; ++cap) {
    const uint64_t bit = uint64_t{1} << cap;
    // What this kernel does not know stays to the guest's.
    if (::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 0) all.bounding &= ~bit;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1) all.ambient |= bit;
  }
  job.no_new_privs = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
  return {};
}

}  // namespace

Result<Job> job_of_this_process() {
  Job job;
  std::error_code error;
  job.cwd = std::filesystem::current_path(error);
  if (error) return fail_errno("working directory", error.value());
  for (char** e = environ; *e != nullptr; ++e) job.env.emplace_back(*e);
  job.uid = ::geteuid();
  job.gid = ::getegid();
  std::vector<gid_t> groups(size_t(std::max(::getgroups(0, nullptr), 0)));
  const int count = ::getgroups(int(groups.size()), groups.data());
  job.groups.assign(groups.begin(), groups.begin() + std::max(count, 0));
  if (auto ok = describe_capabilities(job); !ok) return fail(ok.error());
  job.nice = ::getpriority(PRIO_PROCESS, 0);
  job.umask = ::umask(0);
  ::umask(mode_t(job.umask));
  describe_input(job);
  job.one_output = same_file(STDOUT_FILENO, STDERR_FILENO);
  describe_signals(job);
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    rlimit limit{};
    if (::getrlimit(__rlimit_resource_t(resource), &limit) == 0)
      job.limits.push_back({uint32_t(resource), limit.rlim_cur, limit.rlim_max});
  }
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  job.time_ns = uint64_t(now.tv_sec) * 1000000000 + uint64_t(now.tv_nsec);
  job.seed.resize(64);
  if (::getrandom(job.seed.data(), job.seed.size(), 0) != ssize_t(job.seed.size()))
    return fail_errno("getrandom");
  char name[65] = {};
  (void)::gethostname(name, sizeof name - 1);
  job.hostname = name;
  return job;
}

}  // namespace fptrace::emu
