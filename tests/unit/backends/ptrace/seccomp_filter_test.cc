#include "backends/ptrace/seccomp_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/mman.h>

#include <cstring>

#include <gtest/gtest.h>

#include "common/syscall/table.h"

namespace fptrace::ptrace {
namespace {

constexpr uint32_t kTrace = SECCOMP_RET_TRACE | kTraceMark;

// What the kernel would do: classic BPF as seccomp(2) allows it.
uint32_t run(const std::vector<sock_filter>& program, const seccomp_data& data) {
  uint32_t a = 0;
  for (size_t pc = 0; pc < program.size(); ++pc) {
    const sock_filter& i = program[pc];
    switch (i.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (i.k + 4 > sizeof data) return 0xbad;
        std::memcpy(&a, reinterpret_cast<const char*>(&data) + i.k, 4);
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        a &= i.k;
        break;
      case BPF_JMP | BPF_JA:
        pc += i.k;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        pc += a == i.k ? i.jt : i.jf;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        pc += a >= i.k ? i.jt : i.jf;
        break;
      case BPF_RET | BPF_K:
        return i.k;
      default:
        return 0xbad;
    }
  }
  return 0xbad;
}

seccomp_data call(uint32_t arch, uint32_t nr, std::array<uint64_t, 6> args = {}) {
  seccomp_data d{int(nr), arch, 0, {}};
  for (size_t i = 0; i < 6; ++i) d.args[i] = args[i];
  return d;
}

// Arguments that satisfy and that violate each of a row's tests.
std::vector<std::array<uint64_t, 6>> interesting_arguments(const SyscallRow& row) {
  std::vector<std::array<uint64_t, 6>> all{{}, {~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull}};
  for (const auto& test : {row.only_if, row.unless}) {
    if (!test) continue;
    const auto known = all;
    for (auto args : known) {
      args[test->arg] = (args[test->arg] & ~test->mask) | test->value;
      all.push_back(args);
      args[test->arg] ^= test->mask & (~test->mask + 1);  // its lowest bit
      all.push_back(args);
    }
  }
  return all;
}

struct Arch {
  const char* name;
  Abi abi;
  uint32_t audit;
};
void PrintTo(const Arch& a, std::ostream* os) { *os << a.name; }

class FilterAndTable : public ::testing::TestWithParam<Arch> {};

TEST_P(FilterAndTable, AgreeOnEveryNumberAndItsArguments) {
  const auto program = make_filter(Watch::kTrace);
  for (uint32_t nr = 0; nr < 1024; ++nr) {
    const SyscallRow* row = find_syscall(GetParam().abi, nr);
    if (!row) {
      EXPECT_EQ(run(program, call(GetParam().audit, nr)), kTrace) << "unknown " << nr;
      continue;
    }
    if (row->name.starts_with("clone")) continue;  // for CLONE_UNTRACED, which is no event
    for (auto args : interesting_arguments(*row)) {
      if (GetParam().abi == Abi::kI386)
        for (auto& a : args) a &= 0xffffffff;
      const bool watched = attention(*row, args) != Attention::kNone;
      EXPECT_EQ(run(program, call(GetParam().audit, nr, args)),
                watched ? kTrace : SECCOMP_RET_ALLOW)
          << row->name;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(, FilterAndTable,
                         ::testing::Values(Arch{"X86_64", Abi::kX86_64, AUDIT_ARCH_X86_64},
                                           Arch{"I386", Abi::kI386, AUDIT_ARCH_I386}),
                         [](const auto& i) { return i.param.name; });

TEST(SeccompFilter, WatchesEveryX32Call) {
  const auto program = make_filter(Watch::kNotify);
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, 0x40000000)), SECCOMP_RET_USER_NOTIF);
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, 0xffffffff)), SECCOMP_RET_USER_NOTIF);
}
TEST(SeccompFilter, WatchesCallsOfUnknownArchitectures) {
  EXPECT_EQ(run(make_filter(Watch::kNotify), call(AUDIT_ARCH_AARCH64, 0)), SECCOMP_RET_USER_NOTIF);
}
TEST(SeccompFilter, AnonymousExecutableMemoryCostsNothing) {
  const auto program = make_filter(Watch::kNotify);
  const uint32_t nr = uint32_t(find_syscall("mmap")->nr[0]);
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, nr, {0, 1, PROT_EXEC, MAP_ANONYMOUS, ~0ull, 0})),
            SECCOMP_RET_ALLOW);
  EXPECT_EQ(run(program, call(AUDIT_ARCH_X86_64, nr, {0, 1, PROT_EXEC, MAP_PRIVATE, 3, 0})),
            SECCOMP_RET_USER_NOTIF);
}
TEST(SeccompFilter, FitsTheKernelsLimit) {
  EXPECT_LE(make_filter(Watch::kNotify).size(), size_t{BPF_MAXINSNS});
}

}  // namespace
}  // namespace fptrace::ptrace
