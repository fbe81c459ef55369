#include "backends/emu/osi/guest_tasks.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "backends/emu/osi/kernel_list.h"

namespace fptrace::emu {
namespace {

constexpr uint64_t kKernelThread = 0x00200000;  // PF_KTHREAD, include/linux/sched.h
constexpr uint64_t kMaxGroups = 65536;          // NGROUPS_MAX

// As task_state_index() of include/linux/sched.h: the highest bit decides.
char letter(uint64_t state, uint64_t exit_state) {
  constexpr uint64_t kReported = 0x7f, kIdle = 0x402 /* no load */, kLockWait = 0x1000;
  if (state == kIdle) return 'I';
  if (state == kLockWait) return 'D';
  constexpr std::string_view kLetters = "RSDTtXZP";
  return kLetters[size_t(std::bit_width((state | exit_state) & kReported))];
}

}  // namespace

std::vector<uint64_t> GuestTasks::processes() const {
  const Member link = kernel_->layout().task.tasks;
  std::vector<uint64_t> found;
  each_in_list(*kernel_, kernel_->init_task() + link.offset, link, [&found](uint64_t task) {
    found.push_back(task);
    return true;
  });
  return found;
}

std::vector<uint64_t> GuestTasks::threads(uint64_t task) const {
  const auto& t = kernel_->layout().task;
  const Member head = kernel_->layout().signal.thread_head;
  std::vector<uint64_t> found;
  const auto add = [&found](uint64_t thread) {
    found.push_back(thread);
    return true;
  };
  if (head && t.thread_node) {
    const uint64_t signal = kernel_->pointer(task, t.signal);
    if (signal != 0) each_in_list(*kernel_, signal + head.offset, t.thread_node, add);
  } else if (t.thread_group) {  // a ring that the task itself is in
    found.push_back(task);
    each_in_list(*kernel_, task + t.thread_group.offset, t.thread_group, add);
  }
  return found;
}

uint32_t GuestTasks::thread_count(uint64_t task) const {
  const uint64_t signal = kernel_->pointer(task, kernel_->layout().task.signal);
  return uint32_t(kernel_->number(signal, kernel_->layout().signal.nr_threads).value_or(0));
}

std::optional<TaskId> GuestTasks::id(uint64_t task) const {
  const auto start = kernel_->number(task, kernel_->layout().task.start_time);
  if (!start) return std::nullopt;
  return TaskId{task, *start};
}

std::optional<TaskInfo> GuestTasks::info(uint64_t task) const {
  const auto& t = kernel_->layout().task;
  const auto id_of_task = id(task);
  const auto pid = kernel_->number(task, t.tgid), tid = kernel_->number(task, t.pid);
  if (!id_of_task || !pid || !tid) return std::nullopt;
  TaskInfo info;
  info.id = *id_of_task;
  info.pid = pid_t(*pid);
  info.tid = pid_t(*tid);
  info.parent = pid_t(kernel_->number(kernel_->pointer(task, t.real_parent), t.tgid).value_or(0));
  info.boot_time = kernel_->number(task, t.boot_time).value_or(info.id.start_time);
  info.comm = kernel_->text(task + t.comm.offset, t.comm.size);
  info.kernel_thread = (kernel_->number(task, t.flags).value_or(0) & kKernelThread) != 0;
  const uint64_t exit_state = kernel_->number(task, t.exit_state).value_or(0);
  info.ended = exit_state != 0;
  if (const auto state = kernel_->number(task, t.state)) info.state = letter(*state, exit_state);
  return info;
}

std::optional<Credentials> GuestTasks::credentials(uint64_t task) const {
  return credentials_of(kernel_->pointer(task, kernel_->layout().task.real_cred));
}

std::optional<Credentials> GuestTasks::credentials_of(uint64_t cred) const {
  const auto& c = kernel_->layout().cred;
  if (cred == 0) return std::nullopt;
  const auto id_at = [&](Member member) {
    return uint32_t(kernel_->number(cred, member).value_or(~uint64_t{0}));
  };
  Credentials out{id_at(c.uid),   id_at(c.gid),   id_at(c.suid),
                  id_at(c.sgid),  id_at(c.euid),  id_at(c.egid),
                  id_at(c.fsuid), id_at(c.fsgid), {}};
  const auto& g = kernel_->layout().group_info;
  const uint64_t info = kernel_->pointer(cred, c.group_info);
  const uint64_t count = kernel_->number(info, g.ngroups).value_or(0);
  out.groups.resize(std::min(count, kMaxGroups));
  const auto bytes = std::as_writable_bytes(std::span(out.groups));
  out.groups.resize(kernel_->read(info + g.gid.offset, bytes) / sizeof(uint32_t));
  return out;
}

Namespaces GuestTasks::namespaces(uint64_t task) const {
  const auto& n = kernel_->layout().ns;
  const auto& p = kernel_->layout().pid;
  const uint64_t proxy = kernel_->pointer(task, kernel_->layout().task.nsproxy);
  const auto number = [&](Member which, Member inum) {
    return uint32_t(kernel_->number(kernel_->pointer(proxy, which), inum).value_or(0));
  };
  Namespaces out;
  out.cgroup = number(n.cgroup_ns, n.cgroup_inum);
  out.ipc = number(n.ipc_ns, n.ipc_inum);
  out.mnt = number(n.mnt_ns, n.mnt_inum);
  out.net = number(n.net_ns, n.net_inum);
  out.time = number(n.time_ns, n.time_inum);
  out.uts = number(n.uts_ns, n.uts_inum);
  out.pid_for_children = number(n.pid_ns_for_children, n.pid_inum);
  const uint64_t cred = kernel_->pointer(task, kernel_->layout().task.real_cred);
  const uint64_t user = kernel_->pointer(cred, kernel_->layout().cred.user_ns);
  out.user = uint32_t(kernel_->number(user, n.user_inum).value_or(0));
  // A task is in the innermost pid namespace that it has a number in.
  const uint64_t pid = kernel_->pointer(task, kernel_->layout().task.thread_pid);
  const auto level = kernel_->number(pid, p.level);
  if (level && *level < 64) {
    const uint64_t numbers = pid + p.numbers.offset + *level * p.upid_size;
    out.pid =
        uint32_t(kernel_->number(kernel_->pointer(numbers, p.upid_ns), n.pid_inum).value_or(0));
  }
  return out;
}

// As generic_permission() of fs/namei.c.
std::optional<bool> GuestTasks::may_read(uint64_t task, uint64_t inode) const {
  constexpr uint64_t kOverride = 1 << 1, kReadSearch = 1 << 2;  // CAP_DAC_*, linux/capability.h
  const auto& i = kernel_->layout().inode;
  const auto& c = kernel_->layout().cred;
  const auto mode = kernel_->number(inode, i.mode), owner = kernel_->number(inode, i.uid);
  const auto group = kernel_->number(inode, i.gid);
  const uint64_t cred = kernel_->pointer(task, kernel_->layout().task.cred);
  const auto who = credentials_of(cred);
  const auto capabilities = kernel_->number(cred, c.cap_effective);
  if (!mode || !owner || !group || !who || !capabilities) return std::nullopt;
  const bool in_group = who->fsgid == *group || std::ranges::count(who->groups, *group) > 0;
  const uint64_t bits = who->fsuid == *owner ? *mode >> 6 : in_group ? *mode >> 3 : *mode;
  if ((bits & 4) != 0) return true;
  if ((*capabilities & (kOverride | kReadSearch)) == 0) return false;
  // Capabilities count in the task's own user namespace, to which the file need not belong.
  const auto& n = kernel_->layout().ns;
  const uint64_t user = kernel_->pointer(cred, c.user_ns);
  if (!n.user_parent || kernel_->pointer(user, n.user_parent) != 0) return std::nullopt;
  return true;
}

uint64_t GuestTasks::find_process(pid_t pid) const {
  const auto& t = kernel_->layout().task;
  uint64_t found = 0;
  each_in_list(*kernel_, kernel_->init_task() + t.tasks.offset, t.tasks, [&](uint64_t task) {
    if (kernel_->number(task, t.tgid) == uint64_t(pid)) found = task;
    return found == 0;
  });
  return found;
}

uint64_t GuestTasks::find_thread(uint64_t process, pid_t tid) const {
  for (const uint64_t thread : threads(process))
    if (kernel_->number(thread, kernel_->layout().task.pid) == uint64_t(tid)) return thread;
  return 0;
}

uint64_t GuestTasks::of_pid(uint64_t pid) const {
  const Member tasks = kernel_->layout().pid.tasks, links = kernel_->layout().task.pid_links;
  if (pid == 0 || !tasks || !links) return 0;
  // The first of each array is that of PIDTYPE_PID.
  uint64_t found = 0;
  each_in_hlist(*kernel_, pid + tasks.offset, links, [&found](uint64_t task) {
    found = task;
    return false;
  });
  return found;
}

}  // namespace fptrace::emu
