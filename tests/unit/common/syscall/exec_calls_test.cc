#include "tests/unit/common/syscall/decoder_fixture.h"
#include "tests/unit/common/syscall/elf_bytes.h"

namespace fptrace {
namespace {

using Strings = std::vector<std::string>;

class ExecCalls : public DecoderFixture {
 protected:
  ExecCalls() {
    fs_.file("/lib/ld.so", "loader", 0755);
    fs_.file("/bin/true", elf_bytes(true, "/lib/ld.so"), 0755);
    fs_.file("/bin/static", elf_bytes(true, ""), 0755);
    fs_.file("/bin/sh", elf_bytes(true, "/lib/ld.so"), 0755);
    fs_.file("/bin/env", elf_bytes(true, "/lib/ld.so"), 0755);
    task_.args = {"prog", "arg"};
    task_.environment = {"A=1"};
  }
  // A successful exec after which the task runs `exe`.
  ExecEvent exec(std::string_view path, const std::string& exe, Abi abi = Abi::kX86_64) {
    const auto call = enter("execve", {str(path), 0, 0}, abi);
    task_.program = fs_.ref(exe);
    return one<ExecEvent>(leave(call, 0));
  }
  static Strings files(const std::vector<Lookup>& lookups) {
    Strings paths;
    for (const Lookup& l : lookups) paths.push_back(l.file.path);
    return paths;
  }
};

TEST_F(ExecCalls, TellsProgramLoaderArgumentsAndEnvironment) {
  task_.cwd_path = "/bin";
  for (const Abi abi : {Abi::kX86_64, Abi::kI386, Abi::kX32}) {
    const auto e = exec("./true", "/bin/true", abi);
    EXPECT_EQ(e.program.path, "./true");
    EXPECT_EQ(e.program.file, fs_.ref("/bin/true"));
    EXPECT_EQ(e.loader.file, fs_.ref("/lib/ld.so"));
    EXPECT_TRUE(e.interpreters.empty());
    EXPECT_EQ(e.argv, (Strings{"prog", "arg"}));
    EXPECT_EQ(e.env, Strings{"A=1"});
    EXPECT_EQ(e.cwd, "/bin");
    EXPECT_EQ(e.error, 0);
  }
}

TEST_F(ExecCalls, StaticProgramHasNoLoader) {
  EXPECT_FALSE(exec("/bin/static", "/bin/static").loader.file.exists());
}

TEST_F(ExecCalls, ThirtyTwoBitProgramHasItsOwnLoader) {
  fs_.file("/lib/ld-linux.so.2", "", 0755);
  fs_.file("/bin/old", elf_bytes(false, "/lib/ld-linux.so.2"), 0755);
  EXPECT_EQ(exec("/bin/old", "/bin/old").loader.file.path, "/lib/ld-linux.so.2");
}

TEST_F(ExecCalls, LoaderNameFarBehindTheHeadersIsFound) {
  fs_.file("/bin/patched", elf_bytes(true, "/lib/ld.so", 100000), 0755);
  EXPECT_EQ(exec("/bin/patched", "/bin/patched").loader.file.path, "/lib/ld.so");
}

TEST_F(ExecCalls, ScriptsAreFollowedToTheBinary) {
  fs_.file("/w/inner", "#!/bin/env sh\n", 0755);
  fs_.file("/w/outer", "#!inner -x\n", 0755);
  task_.cwd_path = "/w";
  const auto e = exec("outer", "/bin/env");
  EXPECT_EQ(e.program.file.path, "/w/outer");
  EXPECT_EQ(files(e.interpreters), (Strings{"/w/inner", "/bin/env"}));
  EXPECT_EQ(e.interpreters[0].path, "inner");
  EXPECT_EQ(e.interpreters[0].base, "/w");
  EXPECT_EQ(e.loader.file.path, "/lib/ld.so");
}

TEST_F(ExecCalls, ScriptsEndAfterFiveInterpreters) {
  for (int i = 0; i < 9; ++i)
    fs_.file("/s" + std::to_string(i), "#!/s" + std::to_string(i + 1) + "\n", 0755);
  const auto e = one<ExecEvent>(run("execve", {str("/s0"), 0, 0}, -ELOOP));
  EXPECT_EQ(files(e.interpreters), (Strings{"/s1", "/s2", "/s3", "/s4", "/s5"}));
  EXPECT_EQ(e.error, ELOOP);
}

TEST_F(ExecCalls, AScriptThatNamesItselfEnds) {
  fs_.file("/loop", "#!/loop\n", 0755);
  EXPECT_EQ(one<ExecEvent>(run("execve", {str("/loop"), 0, 0}, -ELOOP)).interpreters.size(), 5u);
}

TEST_F(ExecCalls, MissingInterpreterIsTold) {
  fs_.file("/script", "#!/no/such\n", 0755);
  const auto e = one<ExecEvent>(run("execve", {str("/script"), 0, 0}, -ENOENT));
  EXPECT_EQ(e.error, ENOENT);
  EXPECT_TRUE(e.program.file.exists());
  EXPECT_EQ(files(e.interpreters), Strings{"/no/such"});
  EXPECT_FALSE(e.interpreters[0].file.exists());
}

TEST_F(ExecCalls, FailedExecTellsTheArgumentsGiven) {
  const uint64_t argv64[] = {str("a"), str("b c"), 0};
  const uint32_t argv32[] = {uint32_t(str("x")), 0};
  const auto wide =
      one<ExecEvent>(run("execve", {str("/nope"), task_.put_value(argv64), 0}, -ENOENT));
  EXPECT_EQ(wide.argv, (Strings{"a", "b c"}));
  EXPECT_TRUE(wide.env.empty());
  for (const Abi abi : {Abi::kI386, Abi::kX32}) {
    const auto narrow =
        one<ExecEvent>(run("execve", {str("/nope"), task_.put_value(argv32), 0}, -ENOENT, abi));
    EXPECT_EQ(narrow.argv, Strings{"x"});
  }
  EXPECT_TRUE(one<ExecEvent>(run("execve", {str("/nope"), kNowhere, 0}, -EFAULT)).argv.empty());
}

TEST_F(ExecCalls, FexecveRunsTheDescriptorsFile) {
  task_.open(5, fs_.ref("/bin/true"));
  fs_.magic("/proc/100/fd/5", fs_.ref("/bin/true"));
  const auto call = enter("execveat", {5, str(""), 0, 0, AT_EMPTY_PATH});
  task_.program = fs_.ref("/bin/true");
  const auto e = one<ExecEvent>(leave(call, 0));
  EXPECT_EQ(e.program.file, fs_.ref("/bin/true"));
  EXPECT_EQ(e.program.path, "");
  EXPECT_EQ(e.loader.file.path, "/lib/ld.so");
}

TEST_F(ExecCalls, MemfdIsReadThroughItsDescriptor) {
  FileRef memfd = fs_.file("/hidden", elf_bytes(true, "/lib/ld.so"), 0755);
  memfd.path = "memfd:code";
  memfd.nlink = 0;
  task_.open(5, memfd);
  fs_.magic("/proc/100/fd/5", memfd);
  const auto call = enter("execveat", {5, str(""), 0, 0, AT_EMPTY_PATH});
  task_.program = memfd;
  const auto e = one<ExecEvent>(leave(call, 0));
  EXPECT_EQ(e.program.file.path, "memfd:code");
  EXPECT_EQ(e.loader.file.path, "/lib/ld.so");
  EXPECT_TRUE(e.interpreters.empty());
}

TEST_F(ExecCalls, ProcSelfExeIsTheProgramItself) {
  fs_.symlink("/proc/self", "1");
  fs_.magic("/proc/100/exe", fs_.ref("/bin/true"));
  const auto e = exec("/proc/self/exe", "/bin/true");
  EXPECT_EQ(e.program.file, fs_.ref("/bin/true"));
  EXPECT_EQ(e.program.links, (Strings{"/proc/self", "/proc/100/exe"}));
}

TEST_F(ExecCalls, WhatTheKernelRunsInsteadIsAnInterpreter) {
  fs_.file("/w/app.jar", "PK", 0755);
  fs_.magic("/proc/100/exe", fs_.ref("/bin/sh"));
  const auto e = exec("/w/app.jar", "/bin/sh");
  EXPECT_EQ(e.program.file.path, "/w/app.jar");
  EXPECT_EQ(files(e.interpreters), Strings{"/bin/sh"}) << "binfmt_misc";
  EXPECT_EQ(e.loader.file.path, "/lib/ld.so");
}

TEST_F(ExecCalls, UnreadablePathOfASuccessfulExecIsWhatRuns) {
  const auto call = enter("execve", {kNowhere, 0, 0});
  task_.program = fs_.ref("/bin/true");
  EXPECT_EQ(one<ExecEvent>(leave(call, 0)).program.file.path, "/bin/true");
}

TEST_F(ExecCalls, DirectoriesAndDevicesAreNotRead) {
  fs_.dir("/dir");
  fs_.special("/fifo", S_IFIFO);
  for (const char* path : {"/dir", "/fifo"})
    EXPECT_EQ(one<ExecEvent>(run("execve", {str(path), 0, 0}, -EACCES)).error, EACCES) << path;
}

TEST_F(ExecCalls, ACheckRunsNothing) {
  const auto e = one<PathEvent>(run("execveat", {kCwd, str("/bin/true"), 0, 0, 0x10000}, 0));
  EXPECT_EQ(e.op, PathOp::kAccess);
  EXPECT_EQ(e.at.file.path, "/bin/true");
}

}  // namespace
}  // namespace fptrace
