#include "backends/ptrace/seccomp_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <optional>

#include "common/syscall/table.h"

namespace fptrace::ptrace {
namespace {

constexpr uint32_t kX32Bit = 0x40000000;

// What the filter does for a run of consecutive syscall numbers.
struct Range {
  uint32_t first = 0;
  bool watched = false;
  const SyscallRow* tested = nullptr;  // set for a single number whose arguments decide
};

bool same_kind(const Range& a, const Range& b) {
  return a.watched == b.watched && !a.tested && !b.tested;
}

// A child made with CLONE_UNTRACED would live under the filter without its tracer. clone3 has its
// flags in memory, where a filter cannot look.
const SyscallRow kCloneUntraced{.name = "clone",
                                .attention = Attention::kActs,
                                .only_if = ArgTest{0, CLONE_UNTRACED, CLONE_UNTRACED},
                                .unless = {},
                                .asks_if = {}};

// ptrace() itself is watched so that the tracer can hand a tracee over to an inner debugger.
bool is_watched(const SyscallRow& row, Watch watch) {
  if (row.attention != Attention::kNone) return true;
  return watch == Watch::kNotify ? row.name == "ptrace"
                                 : row.name == "clone" || row.name == "clone3";
}

// Ranges in rising order that cover all numbers; those above the table's last are watched.
std::vector<Range> ranges_of(Abi abi, Watch watch) {
  uint32_t end = 0;
  for (const SyscallRow& row : syscall_table()) {
    const int nr = row.nr[size_t(abi)];
    if (nr >= 0) end = std::max(end, uint32_t(nr) + 1);
  }
  std::vector<Range> ranges;
  for (uint32_t nr = 0; nr <= end; ++nr) {
    const SyscallRow* row = find_syscall(abi, nr);
    Range range{nr, row == nullptr || is_watched(*row, watch), nullptr};
    if (row && row->name == "clone") row = &kCloneUntraced;
    if (row && range.watched && (row->only_if || row->unless)) range.tested = row;
    if (ranges.empty() || !same_kind(ranges.back(), range)) ranges.push_back(range);
  }
  return ranges;
}

class Program {
 public:
  explicit Program(Watch watch)
      : watch_(watch == Watch::kNotify ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_TRACE | kTraceMark) {}

  std::vector<sock_filter> build(Watch watch) {
    load(offsetof(seccomp_data, arch));
    emit(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
    const size_t to_other_arch = jump_ahead();
    load(offsetof(seccomp_data, nr));
    emit(BPF_JMP | BPF_JGE | BPF_K, kX32Bit, 0, 1);
    emit(BPF_RET | BPF_K, watch_);
    search(ranges_of(Abi::kX86_64, watch), true);
    land(to_other_arch);
    emit(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 1, 0);
    emit(BPF_RET | BPF_K, watch_);
    load(offsetof(seccomp_data, nr));
    search(ranges_of(Abi::kI386, watch), false);
    return std::move(code_);
  }

 private:
  void emit(int op, uint32_t k, uint8_t jt = 0, uint8_t jf = 0) {
    code_.push_back({uint16_t(op), jt, jf, k});
  }
  void load(size_t offset) { emit(BPF_LD | BPF_W | BPF_ABS, uint32_t(offset)); }
  // An unconditional jump whose distance land() fills in: conditional ones reach 255 only.
  size_t jump_ahead() {
    emit(BPF_JMP | BPF_JA, 0);
    return code_.size() - 1;
  }
  void land(size_t jump) { code_[jump].k = uint32_t(code_.size() - jump - 1); }

  // The number is in the accumulator.
  void search(std::span<const Range> ranges, bool wide) {
    if (ranges.size() == 1) return leaf(ranges[0], wide);
    const size_t half = ranges.size() / 2;
    emit(BPF_JMP | BPF_JGE | BPF_K, ranges[half].first, 0, 1);
    const size_t to_upper = jump_ahead();
    search(ranges.first(half), wide);
    land(to_upper);
    search(ranges.subspan(half), wide);
  }

  void leaf(const Range& range, bool wide) {
    if (range.tested) {
      if (range.tested->only_if) {
        const auto failed = test(*range.tested->only_if, wide);
        const size_t passed = jump_ahead();
        for (const size_t jump : failed) land(jump);
        emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        land(passed);
      }
      if (range.tested->unless) {
        const auto failed = test(*range.tested->unless, wide);
        emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        for (const size_t jump : failed) land(jump);
      }
    }
    emit(BPF_RET | BPF_K, range.watched ? watch_ : SECCOMP_RET_ALLOW);
  }

  // Falls through when the test holds; returns the jumps taken when it does not.
  std::vector<size_t> test(const ArgTest& t, bool wide) {
    std::vector<size_t> failed;
    const size_t arg = offsetof(seccomp_data, args) + 8 * size_t(t.arg);
    for (unsigned half = 0; half < (wide ? 2u : 1u); ++half) {  // little-endian: low word first
      const auto mask = uint32_t(t.mask >> (32 * half)), value = uint32_t(t.value >> (32 * half));
      if (mask == 0) continue;
      load(arg + size_t{4} * half);
      emit(BPF_ALU | BPF_AND | BPF_K, mask);
      emit(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
      failed.push_back(jump_ahead());
    }
    return failed;
  }

  uint32_t watch_;
  std::vector<sock_filter> code_;
};

}  // namespace

std::vector<sock_filter> make_filter(Watch watch) { return Program(watch).build(watch); }

int install_filter(const sock_filter* program, size_t length, Watch watch, bool no_new_privs) {
  if (no_new_privs && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return -errno;
  const sock_fprog filter{static_cast<unsigned short>(length), const_cast<sock_filter*>(program)};
  // SPEC_ALLOW: before Linux 5.16 a filter otherwise slows the program down by turning the
  // speculative-store-bypass mitigation on (commit 2f46993d83ff).
  unsigned long flags = SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  if (watch == Watch::kNotify)
    flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  const long r = ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
  return r < 0 ? -errno : int(r);
}

}  // namespace fptrace::ptrace
