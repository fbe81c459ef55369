#include "frontends/cli/start_failure.h"

#include <elf.h>
#include <errno.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace fptrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ExplainStartFailure : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "start.XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string make(const std::string& name, const std::string& content, mode_t mode = 0755) {
    const std::string path = dir_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    ::chmod(path.c_str(), mode);
    return path;
  }
  static std::string elf(uint16_t machine) {
    Elf64_Ehdr h{};
    std::copy_n(ELFMAG, SELFMAG, h.e_ident);
    h.e_ident[EI_CLASS] = ELFCLASS64;
    h.e_ident[EI_DATA] = ELFDATA2LSB;
    h.e_ident[EI_VERSION] = EV_CURRENT;
    h.e_type = ET_EXEC;
    h.e_machine = machine;
    h.e_version = EV_CURRENT;
    h.e_ehsize = sizeof h;
    h.e_phentsize = sizeof(Elf64_Phdr);
    return {reinterpret_cast<const char*>(&h), sizeof h};
  }
  // The errno and the sentence of really trying it.
  static int exec_errno(const std::string& path) {
    char* const argv[] = {const_cast<char*>(path.c_str()), nullptr};
    ::execve(path.c_str(), argv, argv + 1);
    return errno;
  }
  StartFailure explain(const std::string& program) {
    return explain_start_failure(program, exec_errno(program), dir_);
  }
  std::string dir_;
};

TEST_F(ExplainStartFailure, NothingThere) {
  const auto f = explain(dir_ + "/nope");
  EXPECT_EQ(f.code, 127);
  EXPECT_EQ(f.sentence, dir_ + "/nope: no such file or directory");
}
TEST_F(ExplainStartFailure, NotInPath) {
  const auto f = explain_start_failure("nope", ENOENT, "/nowhere::" + dir_);
  EXPECT_EQ(f.code, 127);
  EXPECT_EQ(f.sentence, "nope: command not found");
}
TEST_F(ExplainStartFailure, EmptyName) {
  EXPECT_EQ(explain_start_failure("", ENOENT, dir_).sentence, "'': command not found");
}
TEST_F(ExplainStartFailure, Directory) {
  const auto f = explain(dir_);
  EXPECT_EQ(f.code, 126);
  EXPECT_EQ(f.sentence, dir_ + ": is a directory");
}
TEST_F(ExplainStartFailure, NotExecutable) {
  const auto f = explain(make("plain", "x", 0644));
  EXPECT_EQ(f.code, 126);
  EXPECT_THAT(f.sentence, HasSubstr("permission denied (not executable"));
}
TEST_F(ExplainStartFailure, NotExecutableFoundThroughPath) {
  make("plain", "x", 0644);
  EXPECT_THAT(explain_start_failure("plain", EACCES, "/nowhere:" + dir_).sentence,
              StartsWith("plain: permission denied (not executable"));
}
TEST_F(ExplainStartFailure, NeitherElfNorScript) {
  const auto f = explain(make("junk", "\x01\x02junk"));
  EXPECT_EQ(f.code, 126);
  EXPECT_THAT(f.sentence, HasSubstr("neither ELF nor a script"));
}
TEST_F(ExplainStartFailure, WrongArchitecture) {
  const auto f = explain(make("arm", elf(EM_AARCH64)));
  EXPECT_EQ(f.code, 126);
  EXPECT_THAT(f.sentence, HasSubstr("is a program for AArch64, this machine is "));
}
TEST_F(ExplainStartFailure, InterpreterOfAScriptIsMissing) {
  const auto f = explain(make("script", "#! /no/such/interp -x\n"));
  EXPECT_EQ(f.code, 127);
  EXPECT_THAT(f.sentence, HasSubstr("'/no/such/interp' that its #! line names does not exist"));
}
TEST_F(ExplainStartFailure, LoaderOfAProgramIsMissing) {
  std::string image = elf(EM_X86_64);
  constexpr char kLoader[] = "/no/such/ld.so";
  Elf64_Phdr ph{};
  ph.p_type = PT_INTERP;
  ph.p_offset = sizeof(Elf64_Ehdr) + sizeof ph;
  ph.p_filesz = ph.p_memsz = sizeof kLoader;
  auto& header = reinterpret_cast<Elf64_Ehdr&>(image[0]);
  header.e_phoff = sizeof header;
  header.e_phnum = 1;
  image.append(reinterpret_cast<const char*>(&ph), sizeof ph).append(kLoader, sizeof kLoader);
  const auto f = explain(make("dyn", image));
  EXPECT_EQ(f.code, 127);
  EXPECT_THAT(f.sentence, HasSubstr("loader '/no/such/ld.so' that it needs does not exist"));
}
TEST_F(ExplainStartFailure, AnyOtherErrorIsNamed) {
  EXPECT_THAT(explain_start_failure("/bin/true", ETXTBSY, "").sentence,
              StartsWith("/bin/true: Text file busy"));
}

}  // namespace
}  // namespace fptrace::cli
