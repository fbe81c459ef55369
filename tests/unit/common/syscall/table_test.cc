#include "common/syscall/table.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <sys/mman.h>

#include <fstream>
#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "common/base/scanner.h"

namespace fptrace {
namespace {

using Args = std::array<uint64_t, 6>;

Attention attention_of(std::string_view name, const Args& args) {
  const SyscallRow* row = find_syscall(name);
  return row ? attention(*row, args) : Attention::kActs;
}

// The numbers as a header has them, read anew: the build's own reader is what is under test.
std::map<std::string, int> header_numbers(const std::string& file) {
  std::map<std::string, int> numbers;
  std::ifstream in(KERNEL_HEADERS + file);
  for (std::string line; std::getline(in, line);) {
    Scanner s(line);
    if (!s.lit("#define __NR_")) continue;
    std::string name;
    int number = 0;
    EXPECT_TRUE(s.take(s.rest().find(' '), name) && s.lit(" ")) << line;
    (void)s.lit("(__X32_SYSCALL_BIT + ");
    EXPECT_TRUE(s.dec(number)) << line;
    numbers[name] = number;
  }
  return numbers;
}

struct Header {
  Abi abi;
  const char* file;
};
void PrintTo(const Header& h, std::ostream* os) { *os << h.file; }
class TableCovers : public ::testing::TestWithParam<Header> {};
TEST_P(TableCovers, EverySyscallOfTheKernelHeader) {
  const auto numbers = header_numbers(GetParam().file);
  EXPECT_GT(numbers.size(), 300u);
  for (const auto& [name, nr] : numbers) {
    const SyscallRow* row = find_syscall(GetParam().abi, uint64_t(nr));
    ASSERT_NE(row, nullptr) << name << " " << nr;
    const bool old_mmap = GetParam().abi == Abi::kI386 && name == "mmap";
    EXPECT_EQ(row->name, old_mmap ? "old_mmap" : name);
  }
}
INSTANTIATE_TEST_SUITE_P(, TableCovers,
                         ::testing::Values(Header{Abi::kX86_64, "unistd_64.h"},
                                           Header{Abi::kI386, "unistd_32.h"},
                                           Header{Abi::kX32, "unistd_x32.h"}),
                         [](const auto& info) { return "Abi" + std::to_string(info.index); });

TEST(SyscallTable, NamesAndNumbersAreUnique) {
  std::set<std::string_view> names;
  std::set<std::pair<int, int>> numbers;
  for (const SyscallRow& row : syscall_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    for (int abi = 0; abi < 3; ++abi) {
      if (row.nr[abi] < 0) continue;
      EXPECT_TRUE(numbers.insert({abi, row.nr[abi]}).second) << row.name;
    }
  }
}

TEST(SyscallTable, KnowsCallsYoungerThanTheHeaders) {
  const std::pair<int, const char*> calls[] = {
      {451, "cachestat"},      {452, "fchmodat2"},    {457, "statmount"},   {462, "mseal"},
      {463, "setxattrat"},     {464, "getxattrat"},   {465, "listxattrat"}, {466, "removexattrat"},
      {467, "open_tree_attr"}, {468, "file_getattr"}, {469, "file_setattr"}};
  for (const auto& [nr, name] : calls) {
    for (const Abi abi : {Abi::kX86_64, Abi::kI386, Abi::kX32}) {
      ASSERT_NE(find_syscall(abi, uint64_t(nr)), nullptr) << name;
      EXPECT_EQ(find_syscall(abi, uint64_t(nr))->name, name);
    }
  }
}

TEST(SyscallTable, TheSameNumberIsAnotherCallInAnotherAbi) {
  EXPECT_EQ(find_syscall(Abi::kX86_64, 5)->name, "fstat");
  EXPECT_EQ(find_syscall(Abi::kI386, 5)->name, "open");
  EXPECT_EQ(find_syscall(Abi::kX32, 520)->name, "execve");
  EXPECT_EQ(find_syscall(Abi::kX86_64, 520), nullptr);
}

TEST(SyscallTable, UnknownNumbersHaveNoRow) {
  for (const uint64_t nr : {uint64_t{471}, uint64_t{0x40000000}, ~uint64_t{0}})
    EXPECT_EQ(find_syscall(Abi::kX86_64, nr), nullptr) << nr;
  EXPECT_EQ(find_syscall("no_such_call"), nullptr);
}

TEST(Attention, OpenAsksUnlessItMayWrite) {
  EXPECT_EQ(attention_of("openat", {0, 0, O_RDONLY | O_CLOEXEC | O_DIRECTORY}), Attention::kAsks);
  for (const int flags : {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_ACCMODE, 020000000})
    EXPECT_EQ(attention_of("openat", {0, 0, uint64_t(flags)}), Attention::kActs) << flags;
  EXPECT_EQ(attention_of("open", {0, O_RDONLY}), Attention::kAsks);
  EXPECT_EQ(attention_of("open", {0, O_TRUNC}), Attention::kActs);
  EXPECT_EQ(attention_of("openat2", {}), Attention::kActs);
}

TEST(Attention, FlagsAreReadFromTheLowerHalfOfTheRegister) {
  EXPECT_EQ(attention_of("open", {0, uint64_t{O_RDONLY} | uint64_t{1} << 63}), Attention::kAsks);
}

TEST(Attention, OnlyExecutableMappingsOfFilesMatter) {
  for (const char* name : {"mmap", "mmap2"}) {
    EXPECT_EQ(attention_of(name, {0, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE}), Attention::kAsks);
    EXPECT_EQ(attention_of(name, {0, 1, PROT_READ, MAP_PRIVATE}), Attention::kNone);
    EXPECT_EQ(attention_of(name, {0, 1, PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS}), Attention::kNone);
  }
  EXPECT_EQ(attention(*find_syscall(Abi::kI386, 90), Args{0x1000}), Attention::kAsks);
}

TEST(Attention, SendtoMattersWithAnAddress) {
  EXPECT_EQ(attention_of("sendto", {3, 0x1000, 5, 0, 0, 0}), Attention::kNone);
  EXPECT_EQ(attention_of("sendto", {3, 0x1000, 5, 0, 0x7f0000000000, 16}), Attention::kActs);
}

TEST(Attention, BpfMattersWhereItNamesPaths) {
  EXPECT_EQ(attention_of("bpf", {6}), Attention::kActs);
  EXPECT_EQ(attention_of("bpf", {7}), Attention::kActs);
  EXPECT_EQ(attention_of("bpf", {5}), Attention::kNone);
}

TEST(Attention, CallsThatChangeRightsAreSeenAndMarked) {
  EXPECT_EQ(attention_of("setresuid", {}), Attention::kActs);
  EXPECT_TRUE(find_syscall("setresuid")->changes_rights);
  EXPECT_EQ(attention_of("prctl", {PR_SET_SECCOMP}), Attention::kActs);
  EXPECT_EQ(attention_of("prctl", {PR_SET_NAME}), Attention::kNone);
  EXPECT_FALSE(find_syscall("rename")->changes_rights);
}

TEST(Attention, ReadsAndWritesOfKnownDescriptorsAreNotWatched) {
  for (const char* name : {"read", "write", "fstat", "ftruncate", "close", "dup", "fcntl"})
    EXPECT_EQ(attention_of(name, {}), Attention::kNone) << name;
}

}  // namespace
}  // namespace fptrace
