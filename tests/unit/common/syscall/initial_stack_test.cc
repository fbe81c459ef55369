#include "common/syscall/initial_stack.h"

#include <cstring>

#include <gtest/gtest.h>

namespace fptrace {
namespace {

constexpr uint64_t kAddress = 0xfff01000;

// Lays out what the kernel would.
std::string stack(const ProgramStrings& program, bool narrow) {
  const size_t width = narrow ? 4 : 8;
  const size_t words = program.argv.size() + program.env.size() + 3;
  std::string pointers, strings;
  const auto word = [&](uint64_t value) {
    pointers.append(reinterpret_cast<const char*>(&value), width);
  };
  word(program.argv.size());
  for (const auto* list : {&program.argv, &program.env}) {
    for (const std::string& s : *list) {
      word(kAddress + words * width + strings.size());
      strings.append(s.c_str(), s.size() + 1);
    }
    word(0);
  }
  return pointers + strings;
}

class InitialStack : public ::testing::TestWithParam<bool> {};

TEST_P(InitialStack, HasArgumentsAndEnvironment) {
  for (const ProgramStrings& program :
       {ProgramStrings{{"ls", "-l", ""}, {"A=1", "B="}}, ProgramStrings{{""}, {}}}) {
    EXPECT_EQ(parse_initial_stack(stack(program, GetParam()) + "more", kAddress, GetParam()),
              program);
  }
}
TEST_P(InitialStack, IsNotTakenForWholeWhenCutShort) {
  const std::string whole = stack({{"ls", "-l"}, {"A=1"}}, GetParam());
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(parse_initial_stack(whole.substr(0, size), kAddress, GetParam()), std::nullopt);
}
TEST_P(InitialStack, WithPointersElsewhereIsRefused) {
  const std::string whole = stack({{"ls"}, {"A=1"}}, GetParam());
  EXPECT_EQ(parse_initial_stack(whole, kAddress + 4096, GetParam()), std::nullopt);
  EXPECT_EQ(parse_initial_stack(whole, kAddress - 4096, GetParam()), std::nullopt);
}
TEST_P(InitialStack, WithAnotherCountIsRefused) {
  std::string whole = stack({{"ls"}, {"A=1"}}, GetParam());
  whole[0] = 7;
  EXPECT_EQ(parse_initial_stack(whole, kAddress, GetParam()), std::nullopt);
}
INSTANTIATE_TEST_SUITE_P(, InitialStack, ::testing::Bool());

}  // namespace
}  // namespace fptrace
