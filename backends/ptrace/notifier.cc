#include "backends/ptrace/notifier.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace fptrace::ptrace {
namespace {

// Linux 6.6 (commit 48a1084a8b74): answering and asking wake the other side on the same CPU.
// Not in the headers of older distributions.
constexpr unsigned long kIoctlSetFlags = SECCOMP_IOW(4, __u64);
constexpr unsigned long kSyncWakeUp = 1;

// Kernel-internal errno (include/linux/errno.h): run the call again, whatever the handlers say.
constexpr int32_t kRestartNoIntr = 513;

}  // namespace

Result<Notifier> Notifier::create(UniqueFd listener) {
  seccomp_notif_sizes sizes{};
  if (::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
    return fail_errno("seccomp(SECCOMP_GET_NOTIF_SIZES)");
  Notifier n;
  n.listener_ = std::move(listener);
  n.request_.resize(std::max<size_t>(sizes.seccomp_notif, sizeof(seccomp_notif)));
  n.response_.resize(std::max<size_t>(sizes.seccomp_notif_resp, sizeof(seccomp_notif_resp)));
  // Without it (before 6.6) everything works, only slower.
  (void)::ioctl(n.listener_.get(), kIoctlSetFlags, kSyncWakeUp);
  return n;
}

const seccomp_notif* Notifier::receive() {
  std::fill(request_.begin(), request_.end(), std::byte{0});  // the kernel insists
  auto* request = reinterpret_cast<seccomp_notif*>(request_.data());
  const bool received = ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, request) == 0;
  send();
  return received ? request : nullptr;
}

bool Notifier::more() {
  pollfd p{listener_.get(), POLLIN, 0};
  return ::poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

void Notifier::end_batch() {
  answers_late_ = false;
  send();
}

void Notifier::let_run(uint64_t id) { answer(id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE); }
void Notifier::restart(uint64_t id) { answer(id, -kRestartNoIntr, 0); }

void Notifier::answer(uint64_t id, int32_t error, uint32_t flags) {
  send();
  std::fill(response_.begin(), response_.end(), std::byte{0});
  auto* response = reinterpret_cast<seccomp_notif_resp*>(response_.data());
  response->id = id;
  response->error = error;
  response->flags = flags;
  has_answer_ = true;
  if (!answers_late_) send();
}

void Notifier::send() {
  if (!std::exchange(has_answer_, false)) return;
  // ENOENT: the caller is gone.
  (void)::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, response_.data());
}

}  // namespace fptrace::ptrace
