#include "common/syscall/exec_image.h"

#include <elf.h>

#include <cstring>

#include <gtest/gtest.h>

#include "tests/unit/common/syscall/elf_bytes.h"

namespace fptrace {
namespace {

struct Script {
  const char* name;
  std::string head;
  std::optional<std::string> interpreter;
};
void PrintTo(const Script& s, std::ostream* os) { *os << s.name; }
class ScriptInterpreter : public ::testing::TestWithParam<Script> {};
TEST_P(ScriptInterpreter, IsWhatTheKernelWouldStart) {
  EXPECT_EQ(script_interpreter(GetParam().head), GetParam().interpreter);
}
const std::string kLong(300, 'p');
INSTANTIATE_TEST_SUITE_P(
    , ScriptInterpreter,
    ::testing::Values(
        Script{"Plain", "#!/bin/sh\necho", "/bin/sh"},
        Script{"WithArgument", "#!/usr/bin/env python3 -u\n", "/usr/bin/env"},
        Script{"BlanksAround", "#! \t/bin/sh \t\n", "/bin/sh"},
        Script{"TabBeforeArgument", "#!/bin/sh\t-e\n", "/bin/sh"},
        Script{"Relative", "#!bin/sh\n", "bin/sh"},
        Script{"NoNewlineAtTheEnd", "#!/bin/sh", "/bin/sh"},
        Script{"EndsWithNul", std::string("#!/bin/sh\0x\n", 12), "/bin/sh"},
        Script{"CarriageReturnIsPartOfTheName", "#!/bin/sh\r\n", "/bin/sh\r"},
        Script{"NothingBehind", "#!", std::nullopt},
        Script{"OnlyBlanks", "#!   \n/bin/sh\n", std::nullopt},
        Script{"EmptyLine", "#!\n/bin/sh\n", std::nullopt},
        Script{"NoMark", "/bin/sh\n", std::nullopt}, Script{"OneByte", "#", std::nullopt},
        Script{"Empty", "", std::nullopt},
        Script{"NameThatFitsExactly", "#!/" + kLong.substr(0, 252) + "\n",
               "/" + kLong.substr(0, 252)},
        Script{"NameCutByTheBuffer", "#!/" + kLong + "\n", std::nullopt},
        Script{"NewlineBehindTheBuffer", "#!/" + kLong.substr(0, 253) + "\n", std::nullopt},
        Script{"ArgumentCutByTheBuffer", "#!/bin/sh " + kLong + "\n", "/bin/sh"},
        Script{"BufferFullOfBlanks", "#!" + std::string(300, ' ') + "/bin/sh\n", std::nullopt}),
    [](const auto& info) { return info.param.name; });

TEST(ElfImage, LoaderOf64And32BitPrograms) {
  for (const bool is_64 : {true, false}) {
    const std::string file = elf_bytes(is_64, "/lib/ld.so");
    const auto headers = elf_program_headers(file.substr(0, 64));
    ASSERT_TRUE(headers);
    EXPECT_EQ(headers->is_64, is_64);
    const auto span =
        elf_interpreter(file.substr(headers->table.offset, headers->table.size), is_64);
    ASSERT_TRUE(span);
    EXPECT_EQ(file.substr(span->offset, span->size), std::string("/lib/ld.so\0", 11));
  }
}

TEST(ElfImage, StaticProgramHasNoLoader) {
  const std::string file = elf_bytes(true, "");
  const auto headers = elf_program_headers(file);
  ASSERT_TRUE(headers);
  EXPECT_EQ(elf_interpreter(file.substr(64), true), std::nullopt);
}

TEST(ElfImage, RefusesWhatTheKernelRefuses) {
  const std::string good = elf_bytes(true, "/lib/ld.so");
  const auto broken = [&good](size_t offset, char value) {
    std::string file = good;
    file[offset] = value;
    return elf_program_headers(file).has_value();
  };
  EXPECT_TRUE(broken(EI_OSABI, 1));
  EXPECT_FALSE(broken(0, 'x'));
  EXPECT_FALSE(broken(EI_CLASS, 7));
  EXPECT_FALSE(broken(EI_DATA, ELFDATA2MSB));
  EXPECT_FALSE(broken(offsetof(Elf64_Ehdr, e_phentsize), 55));
  EXPECT_FALSE(broken(offsetof(Elf64_Ehdr, e_phnum), 0));
  EXPECT_FALSE(elf_program_headers(good.substr(0, 63)));
  EXPECT_FALSE(elf_program_headers(""));
}

TEST(ElfImage, RefusesAbsurdNames) {
  Elf64_Phdr header{};
  header.p_type = PT_INTERP;
  const auto span_of = [&header](uint64_t size) {
    header.p_filesz = size;
    return elf_interpreter({reinterpret_cast<const char*>(&header), sizeof header}, true);
  };
  EXPECT_FALSE(span_of(0));
  EXPECT_FALSE(span_of(1));
  EXPECT_TRUE(span_of(2));
  EXPECT_TRUE(span_of(4096));
  EXPECT_FALSE(span_of(4097));
  EXPECT_FALSE(span_of(~uint64_t{0}));
}

}  // namespace
}  // namespace fptrace
