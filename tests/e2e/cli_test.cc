// The command line as its user meets it: the built binary, run by a shell script of one or two
// lines in a scratch directory. In a script, $F is fptrace.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/case_run.h"
#include "tests/support/contained_run.h"
#include "tests/support/scratch.h"

namespace fptrace {

static void PrintTo(const ExitStatus& s, std::ostream* out) {
  *out << (s.signal != 0 ? "signal " : "code ") << (s.signal != 0 ? s.signal : s.code);
}

}  // namespace fptrace

namespace fptrace::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  ExitStatus status;
  std::string out, err;
};

class Cli : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = Scratch::make();
    ASSERT_TRUE(made) << made.error().what;
    scratch_ = std::make_unique<Scratch>(*std::move(made));
    const auto ready = scratch_->set_up({});
    ASSERT_TRUE(ready) << ready.error().what;
  }

  // `user` empty: the caller's. `prepare` runs in the process that becomes the shell.
  Outcome sh(
      const std::string& script, const std::string& user = "",
      const std::function<void()>& prepare = [] {}) {
    ContainedRun how;
    how.cwd = scratch_->work();
    how.output = scratch_->results() + "/out";
    how.errors = scratch_->results() + "/err";
    how.env = {"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C",
               "F=" + (user.empty() ? std::string(FPTRACE_BINARY) : public_binary())};
    if (no_seccomp()) how.env.push_back("FPTRACE_STOPS=syscall");
    how.user = user;
    const auto r = run_contained(how, [&] {
      prepare();
      return exec_or_127({"/bin/bash", "-c", script});
    });
    EXPECT_TRUE(r) << r.error().what;
    if (!r) return {};
    EXPECT_FALSE(r->hung) << script;
    return {r->status, read_file(how.output).value_or(""), read_file(how.errors).value_or("")};
  }

  std::string path(const std::string& name) const { return scratch_->work() + "/" + name; }
  bool exists(const std::string& name) const { return fs::exists(fs::symlink_status(path(name))); }
  void make(const std::string& name, const std::string& content, fs::perms mode) {
    const auto written = write_file(path(name), content);
    ASSERT_TRUE(written) << written.error().what;
    fs::permissions(path(name), mode);
  }
  std::vector<std::string> left_behind() const {
    std::vector<std::string> names;
    for (const auto& e : fs::directory_iterator(scratch_->work())) {
      names.push_back(e.path().filename());
    }
    return names;
  }
  // The binary where other users can reach it.
  std::string public_binary() {
    const std::string copy = scratch_->results() + "/fptrace";
    if (!fs::exists(copy)) fs::copy_file(FPTRACE_BINARY, copy);
    return copy;
  }
  static bool root() { return ::geteuid() == 0; }

  std::unique_ptr<Scratch> scratch_;
};

// --- what the program shows is what fptrace shows ------------------------------------------------

struct Ending {
  const char* name;
  const char* program;
  ExitStatus status;
};
void PrintTo(const Ending& e, std::ostream* out) { *out << e.name; }
class EndsAs : public Cli, public ::testing::WithParamInterface<Ending> {};
TEST_P(EndsAs, TheProgramDoes) {
  const std::string program = "sh -c '" + std::string(GetParam().program) + "'";
  EXPECT_EQ(sh("exec " + program).status, GetParam().status) << "untraced";
  const auto traced = sh("exec $F -q -- " + program);
  EXPECT_EQ(traced.status, GetParam().status) << traced.err;
  EXPECT_EQ(traced.err, "");
}
INSTANTIATE_TEST_SUITE_P(, EndsAs,
                         ::testing::Values(Ending{"Success", "exit 0", {0, 0}},
                                           Ending{"Code42", "exit 42", {42, 0}},
                                           Ending{"Code255", "exit 255", {255, 0}},
                                           Ending{"CodeOfAToolFailure", "exit 125", {125, 0}},
                                           Ending{"Term", "kill -TERM $$", {0, SIGTERM}},
                                           Ending{"Kill", "kill -KILL $$", {0, SIGKILL}},
                                           Ending{"Segv", "kill -SEGV $$", {0, SIGSEGV}},
                                           Ending{"Abort", "kill -ABRT $$", {0, SIGABRT}},
                                           Ending{"Pipe", "kill -PIPE $$", {0, SIGPIPE}}),
                         [](const auto& i) { return i.param.name; });

TEST_F(Cli, StandardStreamsBelongToTheProgram) {
  const auto r = sh(R"(printf 'in\0\377\n' | $F -q -- sh -c 'cat; echo to err >&2')");
  EXPECT_EQ(r.status, ExitStatus{}) << r.err;
  EXPECT_EQ(r.out, std::string("in\0\377\n", 5));
  EXPECT_EQ(r.err, "to err\n");
}
TEST_F(Cli, SummaryAndAnnouncementGoToStandardError) {
  const auto r = sh("$F -l x.fplog -- echo hello");
  EXPECT_EQ(r.out, "hello\n");
  EXPECT_THAT(r.err, HasSubstr("manifest written to fptrace.manifest.json\n"));
  EXPECT_THAT(r.err, HasSubstr("event log written to x.fplog\n"));
}
TEST_F(Cli, ArgumentsOfTheProgramArePassedUntouched) {
  const auto r = sh("$F -q printf '[%s]' -o '' -- --help 'a b' $'\\xff'");
  EXPECT_EQ(r.out, "[-o][][--][--help][a b][\xff]");
}
TEST_F(Cli, TheProgramFindsItsProcessAsUntraced) {
  const std::string look =
      "sh -c 'ls /proc/self/fd | wc -l; grep -E \"^(Sig(Blk|Ign|Cgt)|Seccomp:|NoNewPrivs)\" "
      "/proc/self/status | grep -v Seccomp; ulimit -a; umask; env | sort | grep -v ^_=; pwd'";
  EXPECT_THAT(sh(look).out, HasSubstr("SigCgt"));
  EXPECT_EQ(sh("$F -q -- " + look).out, sh(look).out);
  const std::string ignoring = "trap '' PIPE XFSZ INT; ";
  EXPECT_EQ(sh(ignoring + "$F -q -- " + look).out, sh(ignoring + look).out);
}
TEST_F(Cli, JsonSummaryIsTheLastLineOnStandardError) {
  const auto r =
      sh("$F --json -- sh -c 'echo noise >&2; exit 3'; tail -n 1 ../r/err | "
         "python3 -c 'import json, sys; s = json.load(sys.stdin); "
         "print(s[\"exit\"], s[\"processes\"], s[\"manifest\"], s[\"log\"])'");
  EXPECT_EQ(r.out, "{'code': 3} 1 fptrace.manifest.json None\n") << r.err;
}

// --- programs that cannot be started -------------------------------------------------------------

struct BadProgram {
  const char* name;
  const char* program;
  int code;
  const char* sentence;
};
void PrintTo(const BadProgram& b, std::ostream* out) { *out << b.name; }
class CannotStart : public Cli, public ::testing::WithParamInterface<BadProgram> {};
TEST_P(CannotStart, IsSaidAsAShellSaysItAndLeavesNothingBehind) {
  using fs::perms;
  make("plain", "#!/bin/sh\n", perms(0644));
  make("junk", std::string("\x01\x02\0\x03", 4), perms(0755));
  make("no_interpreter", "#!/no/such/interpreter\n", perms(0755));
  // The header of an AArch64 program.
  make("arm",
       std::string("\x7f"
                   "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\xb7\0\1\0\0\0",
                   24) +
           std::string(28, '\0') + std::string("\x40\0\x38\0\0\0\x40\0\0\0\0\0", 12),
       perms(0755));
  const auto before = left_behind();
  const auto r = sh(std::string("exec $F -l x.fplog -- ") + GetParam().program);
  EXPECT_EQ(r.status, ExitStatus{GetParam().code}) << r.err;
  EXPECT_EQ(r.out, "");
  EXPECT_THAT(r.err, MatchesRegex("fptrace: [^\n]*\n"));
  EXPECT_THAT(r.err, HasSubstr(GetParam().sentence));
  EXPECT_THAT(left_behind(), ::testing::UnorderedElementsAreArray(before));
}
INSTANTIATE_TEST_SUITE_P(
    , CannotStart,
    ::testing::Values(
        BadProgram{"NotInPath", "no_such_program", 127, "no_such_program: command not found"},
        BadProgram{"NoSuchFile", "./nope", 127, "./nope: no such file"},
        BadProgram{"EmptyName", "''", 127, "'': command not found"},
        BadProgram{"NoInterpreter", "./no_interpreter", 127, "'/no/such/interpreter' that its #!"},
        BadProgram{"NotExecutable", "./plain", 126, "./plain: permission denied"},
        BadProgram{"Directory", "/tmp", 126, "/tmp: is a directory"},
        BadProgram{"BelowAFile", "./plain/x", 126, "Not a directory"},
        BadProgram{"NoProgramFormat", "./junk", 126, "neither ELF nor a script"},
        BadProgram{"WrongArchitecture", "./arm", 126, "is a program for AArch64"}),
    [](const auto& i) { return i.param.name; });

// --- tracing is forbidden ------------------------------------------------------------------------

// What a container engine's profile does. Without privileges, so that it is inherited.
void deny_ptrace() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(code), code};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
TEST_F(Cli, NoPermissionToTraceNamesTheSettingAndTheFix) {
  if (!root()) GTEST_SKIP() << "needs root to become another user";
  if (const auto why = no_seccomp()) GTEST_SKIP() << *why;
  fs::permissions(scratch_->work(), fs::perms::all);
  const auto r = sh("$F -- touch marker", "nobody", deny_ptrace);
  EXPECT_EQ(r.status, ExitStatus{125});
  EXPECT_THAT(r.err, StartsWith("fptrace: "));
  EXPECT_THAT(r.err, HasSubstr("seccomp"));
  EXPECT_THAT(r.err, HasSubstr("--cap-add=SYS_PTRACE"));
  EXPECT_FALSE(exists("marker"));
  EXPECT_FALSE(exists("fptrace.manifest.json"));

  const auto doctor = sh("$F doctor", "nobody", deny_ptrace);
  EXPECT_EQ(doctor.status, ExitStatus{1});
  EXPECT_THAT(doctor.out, HasSubstr("fail  ptrace"));
  EXPECT_THAT(doctor.out, HasSubstr("does not work here"));
}
TEST_F(Cli, AttachingToAnotherUsersProcessIsRefused) {
  if (!root()) GTEST_SKIP() << "needs root to become another user";
  fs::permissions(scratch_->work(), fs::perms::all);
  const auto r = sh("$F attach 1", "nobody");
  EXPECT_EQ(r.status, ExitStatus{125});
  EXPECT_THAT(r.err, HasSubstr("as root"));
}

// --- outputs that cannot be written --------------------------------------------------------------

struct BadOutput {
  const char* name;
  const char* options;
  const char* sentence;
};
void PrintTo(const BadOutput& b, std::ostream* out) { *out << b.name; }
class CannotWrite : public Cli, public ::testing::WithParamInterface<BadOutput> {};
TEST_P(CannotWrite, IsSaidBeforeTheProgramStarts) {
  make("file", "kept", fs::perms(0644));
  const auto r = sh(std::string("$F ") + GetParam().options + " -- touch marker");
  EXPECT_EQ(r.status, ExitStatus{125});
  EXPECT_THAT(r.err, StartsWith("fptrace: "));
  EXPECT_THAT(r.err, HasSubstr(GetParam().sentence));
  EXPECT_FALSE(exists("marker"));
  EXPECT_THAT(left_behind(), ::testing::ElementsAre("file"));
  EXPECT_EQ(read_file(path("file")).value_or(""), "kept");
}
INSTANTIATE_TEST_SUITE_P(
    , CannotWrite,
    ::testing::Values(BadOutput{"ManifestInNoDirectory", "-o no/such/m.json", "no/such"},
                      BadOutput{"ManifestIsADirectory", "-o .", "directory"},
                      BadOutput{"ManifestBelowAFile", "-o file/m.json", "Not a directory"},
                      BadOutput{"LogInNoDirectory", "-l no/such/x.fplog", "no/such/x.fplog"},
                      BadOutput{"LogIsADirectory", "-l .", "directory"},
                      BadOutput{"LogOnAFullDevice", "-l /dev/full", "No space left"}),
    [](const auto& i) { return i.param.name; });

TEST_F(Cli, AReadOnlyDirectoryIsNoticedBeforeTheProgramStarts) {
  if (!root()) GTEST_SKIP() << "needs root to become another user";
  const auto r = sh("$F -- touch " + scratch_->results() + "/marker", "nobody");
  EXPECT_EQ(r.status, ExitStatus{125});
  EXPECT_THAT(r.err, HasSubstr("fptrace.manifest.json: Permission denied"));
  EXPECT_FALSE(fs::exists(scratch_->results() + "/marker"));
}
TEST_F(Cli, AManifestThatCannotBeFinishedIsSaid) {
  const auto r = sh("$F -o /dev/full -- touch marker");
  EXPECT_EQ(r.status, ExitStatus{125});
  EXPECT_THAT(r.err, HasSubstr("/dev/full: No space left"));
  EXPECT_TRUE(exists("marker"));
}
TEST_F(Cli, AnOldManifestIsReplacedAsAWhole) {
  make("m.json", std::string(1 << 20, 'x'), fs::perms(0640));
  EXPECT_EQ(sh("$F -q -o m.json -- true && python3 -m json.tool m.json >/dev/null").status,
            ExitStatus{});
  EXPECT_EQ(left_behind().size(), 1u);
}
TEST_F(Cli, AnUnstartedProgramLeavesTheOldManifestAlone) {
  make("m.json", "old", fs::perms(0644));
  EXPECT_EQ(sh("$F -q -o m.json -- ./nope").status, ExitStatus{127});
  EXPECT_EQ(read_file(path("m.json")).value_or(""), "old");
}
TEST_F(Cli, ADescriptorCanTakeTheManifest) {
  const auto r = sh("$F -q -o /dev/fd/3 -- true 3>&1 | head -c 2");
  EXPECT_EQ(r.out, "{\n") << r.err;
}

// --- the disk fills up ---------------------------------------------------------------------------

// Enough events for a log of some hundred kilobytes, none of them compressible to nothing.
constexpr const char* kBusy =
    "sh -c 'i=0; while [ $i -lt 3000 ]; do test -e /none/$i.$i; i=$((i+1)); done; "
    "touch marker; exit 7'";

TEST_F(Cli, AFileSizeLimitOnTheLogDoesNotStopTheProgram) {
  const auto r = sh(std::string("ulimit -f 1; $F --no-manifest -l x.fplog -- ") + kBusy);
  EXPECT_EQ(r.status, ExitStatus{125}) << r.err;
  EXPECT_TRUE(exists("marker")) << "the program was stopped";
  EXPECT_THAT(r.err, HasSubstr("x.fplog"));
  EXPECT_THAT(r.err, HasSubstr("File too large"));
  EXPECT_THAT(r.err, Not(HasSubstr("event log written")));
  EXPECT_THAT(r.err, HasSubstr("lost"));
}
TEST_F(Cli, AFullDiskUnderTheLogCostsNeitherProgramNorManifest) {
  if (!root()) GTEST_SKIP() << "needs root to mount a small file system";
  const auto r =
      sh(std::string("mkdir small && unshare -m sh -c 'mount -t tmpfs -o size=4k none small"
                     " && \"$@\"; code=$?; $0 log small/x.fplog | head -n 1; exit $code'"
                     " $F $F -q -l small/x.fplog -- ") +
         kBusy);
  if (r.err.find("unshare") != std::string::npos) GTEST_SKIP() << r.err;
  EXPECT_EQ(r.status, ExitStatus{125}) << r.err;
  EXPECT_TRUE(exists("marker")) << "the program was stopped";
  EXPECT_TRUE(exists("fptrace.manifest.json"));
  EXPECT_THAT(r.err, HasSubstr("No space left on device"));
  EXPECT_THAT(r.err, HasSubstr("lost"));
}

// --- logs ----------------------------------------------------------------------------------------

TEST_F(Cli, AManifestOfTheLogIsTheManifestOfTheRun) {
  const auto r =
      sh("echo 1 > in; $F -q -l x.fplog -o live.json -- sh -c 'cat in > out; exit 3'; "
         "$F manifest x.fplog | cmp - live.json && "
         "$F manifest x.fplog --format pb -o m.pb && head -c 1 m.pb | od -An -c && "
         "$F manifest -o again.json x.fplog && cmp again.json live.json");
  EXPECT_EQ(r.status, ExitStatus{}) << r.err;
  EXPECT_THAT(r.out, Not(HasSubstr("{")));
}

struct BadLog {
  const char* name;
  const char* damage;  // makes bad.fplog of good.fplog
  const char* sentence;
};
void PrintTo(const BadLog& b, std::ostream* out) { *out << b.name; }
class CannotRead : public Cli, public ::testing::WithParamInterface<BadLog> {};
TEST_P(CannotRead, IsOneSentenceFromEveryReader) {
  for (const auto* reader : {"log", "manifest"}) {
    const auto r = sh(std::string("$F -q --no-manifest -l good.fplog -- true; ") +
                      GetParam().damage + "; exec $F " + reader + " bad.fplog");
    EXPECT_EQ(r.status, ExitStatus{125}) << reader;
    EXPECT_THAT(r.err, MatchesRegex("fptrace [^\n]*bad.fplog[^\n]*\n"));
    EXPECT_THAT(r.err, HasSubstr(GetParam().sentence));
  }
}
INSTANTIATE_TEST_SUITE_P(
    , CannotRead,
    ::testing::Values(BadLog{"Missing", ":", "No such file"},
                      BadLog{"ADirectory", "mkdir -p bad.fplog", "bad.fplog"},
                      BadLog{"Empty", ": > bad.fplog", "not an event log"},
                      BadLog{"Text", "echo hello, this is no log at all > bad.fplog",
                             "not an event log"},
                      BadLog{"CutInTheHeader", "head -c 20 good.fplog > bad.fplog", "bad.fplog"},
                      BadLog{"CutInAChunk", "head -c 600 good.fplog > bad.fplog", "bad.fplog"},
                      BadLog{"FlippedBit",
                             "cp good.fplog bad.fplog; b=$(od -An -tu1 -j 500 -N 1 good.fplog); "
                             "printf \"\\\\$(printf %o $((b ^ 1)))\" | "
                             "dd of=bad.fplog bs=1 seek=500 conv=notrunc status=none",
                             "checksum"},
                      BadLog{"NewerVersion",
                             "cp good.fplog bad.fplog; printf '\\2' | "
                             "dd of=bad.fplog bs=1 seek=8 conv=notrunc status=none",
                             "format 2"}),
    [](const auto& i) { return i.param.name; });

// --- usage ---------------------------------------------------------------------------------------

class WrongUsage : public Cli, public ::testing::WithParamInterface<const char*> {};
TEST_P(WrongUsage, ExitsWithTwoAndRunsNothing) {
  const auto r = sh(std::string("$F ") + GetParam());
  EXPECT_EQ(r.status, ExitStatus{2}) << r.err;
  EXPECT_EQ(r.out, "");
  EXPECT_NE(r.err, "");
  EXPECT_TRUE(left_behind().empty());
}
INSTANTIATE_TEST_SUITE_P(
    , WrongUsage,
    ::testing::Values("", "--", "run", "--nonsense -- touch marker", "run -z touch marker", "-o",
                      "-l", "--format xml -- touch marker", "--backend qemu -- touch marker",
                      "--stops never -- touch marker", "-o - -- touch marker",
                      "--detach-daemons --kill-on-exit touch marker",
                      "--survive --stops notify touch marker", "frobnicate touch marker", "attach",
                      "attach 0", "attach 1x", "attach 99999999999", "manifest", "log",
                      "doctor now", "version 2"));

// --- daemons, attach -----------------------------------------------------------------------------

TEST_F(Cli, WhatOutlivesTheProgramIsKilledOnRequest) {
  const auto r =
      sh("$F -q --kill-on-exit -- sh -c 'sleep 100 & echo $! >pid'; "
         "kill -0 $(cat pid) 2>/dev/null && echo alive || echo gone");
  EXPECT_EQ(r.out, "gone\n") << r.err;
}
TEST_F(Cli, WhatOutlivesTheProgramIsLetGoOnRequest) {
  const auto r =
      sh("$F -q --detach-daemons -- sh -c 'sleep 100 & echo $! >pid'; "
         "grep TracerPid /proc/$(cat pid)/status; kill $(cat pid)");
  EXPECT_EQ(r.out, "TracerPid:\t0\n") << r.err;
}
TEST_F(Cli, AttachFollowsAProcessToItsEnd) {
  const auto r =
      sh("mkfifo go; sh -c 'read x <go; cat /etc/hostname >/dev/null; exit 3' & "
         "$F attach -o m.json --progress $! & tracer=$!; "
         "until grep -q '^TracerPid:.[1-9]' /proc/$(jobs -p %1)/status; do :; done; "
         "echo now >go; wait $tracer; echo $?; grep -c /etc/hostname m.json");
  EXPECT_THAT(r.out, StartsWith("0\n")) << r.err;
  EXPECT_THAT(r.err, HasSubstr("manifest written to m.json"));
  EXPECT_THAT(read_file(path("m.json")).value_or(""), HasSubstr("history before attach"));
}
TEST_F(Cli, AttachLetsGoOnInterrupt) {
  // A background job of a script ignores SIGINT; python puts the default back.
  const auto r =
      sh("sleep 100 & p=$!; "
         "python3 -c 'import os, signal, sys; "
         "signal.signal(signal.SIGINT, signal.SIG_DFL); "
         "os.execv(sys.argv[1], sys.argv[1:])' $F attach -q -o m.json $p & tracer=$!; "
         "until grep -q '^TracerPid:.[1-9]' /proc/$p/status; do :; done; "
         "kill -INT $tracer; wait $tracer; echo $?; "
         "grep TracerPid /proc/$p/status; kill $p; ls");
  EXPECT_EQ(r.out, "0\nTracerPid:\t0\nm.json\n") << r.err;
}
TEST_F(Cli, AttachToNoSuchProcessIsSaid) {
  // A pid that was just used: a child that has ended and was reaped.
  const auto r = sh("true & p=$!; wait; exec $F attach $p");
  EXPECT_EQ(r.status, ExitStatus{125});
  EXPECT_THAT(r.err, StartsWith("fptrace: "));
  EXPECT_THAT(r.err, HasSubstr("no such process"));
  EXPECT_TRUE(left_behind().empty());
}

}  // namespace
}  // namespace fptrace::testing
