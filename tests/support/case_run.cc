#include "tests/support/case_run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "common/base/unique_fd.h"

namespace fptrace::testing {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds kLimit{30}, kGuestLimit{150}, kTortureLimit{600};

bool is_case(const std::string& name) {
  return name.size() > 3 && std::isdigit(name[0]) && std::isdigit(name[1]) && name[2] == '_';
}

// `expect` of sources is empty and the other way round, until both have been seen.
Result<std::map<std::string, Case>> scan(const std::string& source_dir,
                                         const std::string& program_dir) {
  std::map<std::string, Case> found;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(source_dir, code)) {
    const std::string stem = entry.path().stem(), extension = entry.path().extension();
    if (!is_case(stem)) continue;
    Case& one = found[stem];
    one.name = stem;
    if (extension == ".expect") {
      one.expect = entry.path();
    } else {
      const bool compiled = extension == ".c" || extension == ".cc";
      one.program = program_dir + "/" + stem + (compiled ? "" : extension);
    }
  }
  if (code) return fail_errno("list " + source_dir, code.value());
  return found;
}

// Starts a process that is nobody's child but the container's, so that a tracer which waits for
// everything never reaps it. Returns once it has said (through the fifo `ready`) that it serves.
int start_server(const std::vector<std::string>& argv, const std::string& ready) {
  const UniqueFd hold(::open(ready.c_str(), O_RDWR | O_CLOEXEC));
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::fork() == 0 ? exec_or_127(argv) : 0);
  int status = 0;
  ::waitpid(child, &status, 0);
  char byte = 0;
  return ::read(hold.get(), &byte, 1) == 1 ? 0 : 1;
}

Result<void> read_one(Content& content) {
  if (!content.same_as) return {};
  auto text = read_file(*content.same_as);
  if (!text) return fail(text.error());
  content.literal = *std::move(text);
  return {};
}

// Before the run: it may change the file that another is to be the same as.
Result<void> read_same_as(Expectation& expectation) {
  for (auto& file : expectation.files) {
    if (auto ok = read_one(file.content); !ok) return ok;
  }
  for (auto& output : expectation.outputs) {
    if (auto ok = read_one(output.content); !ok) return ok;
  }
  return {};
}

int run_before(const std::vector<std::string>& argv) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(exec_or_127(argv));
  int status = 0;
  return ::waitpid(child, &status, 0) == child && status == 0 ? 0 : 1;
}

}  // namespace

Result<std::vector<Case>> all_cases(const std::string& source_dir, const std::string& program_dir) {
  auto found = scan(source_dir, program_dir);
  if (!found) return fail(found.error());
  std::vector<Case> cases;
  for (auto& [name, one] : *found) {
    if (one.expect.empty()) return fail(Errc::kIo, name + " has no .expect");
    if (one.program.empty()) return fail(Errc::kIo, name + ".expect has no program");
    cases.push_back(std::move(one));
  }
  return cases;
}

// Kernels can be built, or told, to run none (ia32_emulation=off); then the interrupt kills.
bool runs_ia32_calls() {
  const pid_t child = ::fork();
  if (child == 0) {
    long pid = 20;  // getpid's number
    asm volatile("int $0x80" : "+a"(pid) : : "memory", "cc", "r8", "r9", "r10", "r11");
    ::_exit(pid == ::getpid() ? 0 : 1);
  }
  int status = 1;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return status == 0;
}

std::optional<std::string> no_seccomp() {
  const char* why = std::getenv("FPTRACE_NO_SECCOMP");
  if (why == nullptr || *why == 0) return std::nullopt;
  return why;
}

CaseRunner::CaseRunner(const Case& a_case, std::string program_dir, bool torture)
    : case_(a_case), program_dir_(std::move(program_dir)), torture_(torture) {}

Result<void> CaseRunner::prepare() {
  auto text = read_file(case_.expect);
  if (!text) return fail(text.error());
  auto scratch = Scratch::make();
  if (!scratch) return fail(scratch.error());
  scratch_.emplace(*std::move(scratch));
  // U: a name that no other test has at the same time.
  const std::string unique = fs::path(scratch_->work()).parent_path().filename();
  Variables variables{{"W", scratch_->work()}, {"P", program_dir_}, {"N", ""}, {"U", unique}};
  // $D: a path of directories longer than PATH_MAX, as helper_mkdeep makes it.
  for (int i = 0; i < 25; ++i) variables["D"] += std::string(200, 'd') + "/";
  auto expectation = parse_expectation(*text, variables);
  if (expectation && expectation->scale != 0) {
    variables["N"] = std::to_string(torture_ ? expectation->torture_scale : expectation->scale);
    expectation = parse_expectation(*text, variables);
  }
  if (!expectation) return fail(Errc::kParse, case_.expect + ": " + expectation.error().what);
  expectation_ = *std::move(expectation);
  const bool root = ::geteuid() == 0;
  if (!root && expectation_.needs.contains("root")) return fail(Errc::kUnsupported, "needs root");
  if (!root && !expectation_.user.empty()) {
    return fail(Errc::kUnsupported, "needs root to become " + expectation_.user);
  }
  if (const auto why = no_seccomp(); why && expectation_.needs.contains("seccomp"))
    return fail(Errc::kUnsupported, *why);
  if (expectation_.needs.contains("multilib") && ::access(case_.program.c_str(), X_OK) != 0) {
    return fail(Errc::kUnsupported, "needs a compiler for 32-bit programs (gcc-multilib)");
  }
  static const bool has_ia32 = runs_ia32_calls();
  if (!has_ia32 && (expectation_.needs.contains("multilib") || expectation_.needs.contains("ia32")))
    return fail(Errc::kUnsupported, "needs a kernel that runs 32-bit programs");
  return {};
}

std::string CaseRunner::program() const { return expectation_.program.value_or(case_.program); }

std::vector<std::string> CaseRunner::command() const {
  std::vector<std::string> argv{program()};
  argv.insert(argv.end(), expectation_.args.begin(), expectation_.args.end());
  return argv;
}

std::vector<std::string> CaseRunner::needed() const {
  std::vector<std::string> needed{scratch_->work(), program()};
  for (const auto& entry : fs::directory_iterator(program_dir_)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("helper_") || name.starts_with("lib_")) needed.push_back(entry.path());
  }
  // What programs of the suite look for by themselves.
  for (const char* path :
       {"/bin/sh", "/bin/cat", "/etc/passwd", "/etc/group", "/lib/x86_64-linux-gnu/libgcc_s.so.1"})
    if (fs::exists(path)) needed.emplace_back(path);
  return needed;
}

// In the process that is to become the program or the tracer.
int CaseRunner::body(const Trace* trace) {
  const std::string ready = scratch_->results() + "/ready";
  if (!expectation_.before.empty() && run_before(expectation_.before) != 0) return 125;
  if (!expectation_.server.empty() && start_server(expectation_.server, ready) != 0) return 125;
  if (expectation_.attach != Attach::kNo) return attach_body(trace);
  return trace ? (*trace)(0, {}) : exec_or_127(command());
}

// The program is this very process, so that its exit status is seen by the container and not by
// the tracer; the tracer is an orphan beside it.
int CaseRunner::attach_body(const Trace* trace) {
  const std::string ready = scratch_->results() + "/ready", go = scratch_->results() + "/go";
  const pid_t program = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    if (::fork() != 0) ::_exit(0);
    const UniqueFd in(::open(ready.c_str(), O_RDONLY | O_CLOEXEC));
    const UniqueFd out(::open(go.c_str(), O_RDWR | O_CLOEXEC));
    char byte = 0;
    if (::read(in.get(), &byte, 1) != 1) ::_exit(125);
    const auto attached = [&] { (void)!::write(out.get(), "x", 1); };
    if (trace) ::_exit((*trace)(program, attached));
    attached();
    // The other end must have been opened before this one goes away.
    ::_exit(::read(in.get(), &byte, 1) == 0 ? 0 : 125);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return exec_or_127(command());
}

Result<Observed> CaseRunner::run(const Trace* trace, Surroundings around) {
  if (auto ok = scratch_->set_up(expectation_); !ok) return fail(ok.error());
  if (auto ok = read_same_as(expectation_); !ok) return fail(ok.error());
  const std::string results = scratch_->results();
  for (const char* fifo : {"/ready", "/go"}) {
    if (::mkfifo((results + fifo).c_str(), 0666) != 0)
      return fail_errno("mkfifo " + results + fifo);
    if (::chmod((results + fifo).c_str(), 0666) != 0) return fail_errno("chmod " + results + fifo);
  }
  ContainedRun how;
  how.cwd = scratch_->work();
  if (!expectation_.input.empty()) how.input = how.cwd + "/" + expectation_.input;
  how.output = results + "/stdout";
  how.errors = results + "/stderr";
  how.env = {"PATH=/usr/bin:/bin",
             "HOME=/",
             "LC_ALL=C",
             "W=" + how.cwd,
             "P=" + program_dir_,
             "READY=" + results + "/ready",
             "GO=" + results + "/go"};
  // Where guest images are kept, for those that run in one.
  if (const char* cache = std::getenv("XDG_CACHE_HOME"))
    how.env.push_back("XDG_CACHE_HOME=" + std::string(cache));
  how.env.insert(how.env.end(), expectation_.env.begin(), expectation_.env.end());
  how.user = expectation_.user;
  how.pipes = around.pipes;
  how.limit = torture_ ? kTortureLimit : around.in_guest ? kGuestLimit : kLimit;
  const auto ran = run_contained(how, [&] { return body(trace); });
  if (!ran) return fail(ran.error());
  Observed observed;
  observed.run = *ran;
  if (auto text = read_file(how.output)) observed.output = *std::move(text);
  if (auto text = read_file(how.errors)) observed.errors = *std::move(text);
  return observed;
}

Result<Observed> CaseRunner::run_untraced() { return run(nullptr, {}); }
Result<Observed> CaseRunner::run_traced(const Trace& trace, Surroundings around) {
  return run(&trace, around);
}

}  // namespace fptrace::testing
