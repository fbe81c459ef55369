#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backends/emu/osi/guest_kernel.h"

namespace fptrace::emu {

// Names one task for as long as the guest runs: the kernel uses both pids and addresses again, but
// no two tasks have the same address and start time.
struct TaskId {
  uint64_t address = 0;     // of its task_struct
  uint64_t start_time = 0;  // ns since boot, as CLOCK_MONOTONIC counts
  auto operator<=>(const TaskId&) const = default;
};

struct TaskInfo {
  TaskId id;
  pid_t pid = 0, tid = 0;  // of the process and the thread, in the first pid namespace
  pid_t parent = 0;        // process
  uint64_t boot_time = 0;  // when it started, ns since boot, as CLOCK_BOOTTIME counts
  std::string comm;
  bool kernel_thread = false;
  bool ended = false;  // a zombie, or about to vanish
  char state = '?';    // the letter of /proc/PID/stat (proc(5)); '?': the kernel does not tell
};

struct Credentials {  // of the task itself: as the first user namespace numbers them
  uint32_t uid = 0, gid = 0, suid = 0, sgid = 0, euid = 0, egid = 0, fsuid = 0, fsgid = 0;
  std::vector<uint32_t> groups;
};

// Inode numbers in nsfs; 0 where the kernel has no such namespace.
struct Namespaces {
  uint32_t cgroup = 0, ipc = 0, mnt = 0, net = 0, pid = 0, pid_for_children = 0, time = 0, user = 0,
           uts = 0;
};

// The tasks of a guest. A task is given by its task_struct's address; nothing is kept.
class GuestTasks {
 public:
  explicit GuestTasks(const GuestKernel& kernel) : kernel_(&kernel) {}

  // The leader of each process but the idle one, also of those that have ended and were not waited
  // for.
  std::vector<uint64_t> processes() const;
  // Of the process that `task` belongs to. A leader that ended before the others is one of them.
  std::vector<uint64_t> threads(uint64_t task) const;
  uint32_t thread_count(uint64_t task) const;

  // Cheap enough for every system call.
  std::optional<TaskId> id(uint64_t task) const;
  std::optional<TaskInfo> info(uint64_t task) const;
  std::optional<Credentials> credentials(uint64_t task) const;
  Namespaces namespaces(uint64_t task) const;
  // By the permissions of the file and the task's capabilities; nullopt where these do not tell.
  std::optional<bool> may_read(uint64_t task, uint64_t inode) const;

  // By its number in the first pid namespace; 0 when there is none.
  uint64_t find_process(pid_t pid) const;
  uint64_t find_thread(uint64_t process, pid_t tid) const;
  // The task that a struct pid stands for; 0 when it has ended.
  uint64_t of_pid(uint64_t pid) const;

 private:
  std::optional<Credentials> credentials_of(uint64_t cred) const;

  const GuestKernel* kernel_;
};

}  // namespace fptrace::emu
