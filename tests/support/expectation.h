#pragma once
#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

// The expectation beside a test program: how to set its directory up, how to run it, and what the
// manifest of the run must say. tests/programs/README.md describes the format.

namespace fptrace::testing {

// Names what `$NAME` stands for in an expectation: W the scratch directory, P the programs, N the
// size of a scaled case.
using Variables = std::map<std::string, std::string>;

// A content that is checked by its hash: the bytes themselves, or the file that has them.
struct Content {
  std::optional<std::string> literal;
  std::optional<std::string> same_as;  // read before the run: the run may change it
  bool given() const { return literal || same_as; }
};

// One thing made in the scratch directory before the run. Names are relative to it.
struct SetUpStep {
  enum class Kind { kFile, kCopy, kDir, kLink, kHardLink } kind = Kind::kFile;
  std::string name;
  std::string value;  // kFile: content; kCopy: source; links: target
  mode_t mode = 0;    // 0: leave as made
};

struct ExpectedFile {
  int line = 0;
  std::string path;
  std::set<std::string> roles;
  std::optional<std::string> linkage, source, peer;
  std::vector<std::string> links;  // each must be listed; others may be
  Content content;
};
struct ExpectedMissing {
  int line = 0;
  std::string path, error;  // error: "ENOENT"
};
struct ExpectedOutput {
  int line = 0;
  std::string path;
  Content content;
};
struct ExpectedGap {
  int line = 0;
  std::string glob;          // of coverage.undecoded[].what
  std::set<std::string> on;  // backends that must have it, and no others; empty: all
};
// What may be listed without having to be: what depends on the machine. Never more than needed.
struct Allowed {
  int line = 0;
  std::string kind;  // "file", "missing", "output" or "gap"
  std::string glob;  // fnmatch without FNM_PATHNAME
};

enum class Leftovers { kFollow, kDetach, kKill };  // what becomes of daemons
enum class Attach { kNo, kYes, kThenDetach };

struct Expectation {
  std::string about;  // what the case shows, one line

  // The run.
  std::vector<SetUpStep> set_up;
  std::vector<std::string> before;  // a program and its arguments, run to its end before the trace
  std::vector<std::string> server;  // a program that runs beside the trace, untraced
  std::optional<std::string> program;  // else the case's own program
  std::vector<std::string> args;
  std::vector<std::string> env;  // "NAME=value", added to a small fixed environment
  std::string input;             // for stdin, relative to $W; empty: /dev/null
  std::string user;              // empty: the caller's
  std::set<std::string> needs;   // "root", "multilib", "ia32", "seccomp"
  Leftovers daemons = Leftovers::kFollow;
  Attach attach = Attach::kNo;  // start it untraced and attach once it says that it is ready
  std::set<std::string> only;   // backends; empty: all
  // Backends that are known to fall short here, each with what is wrong.
  std::map<std::string, std::string> not_yet;
  // Backends in a guest whose manifest cannot be this host's, each with why.
  std::map<std::string, std::string> differs;
  bool compare_untraced = true;  // false only for what tracing must change (told EPERM, killed)
  bool compare_modes = true;     // false only where the program itself races
  std::optional<long> warnings;  // how many sentences the tracer has for the user
  int exit_code = 0;
  int exit_signal = 0;  // 0: exit_code holds
  // N for an ordinary run and for a torture run; 0 0 when the case has no scale.
  long scale = 0, torture_scale = 0;

  // What it must show.
  std::vector<ExpectedFile> files;
  std::vector<ExpectedMissing> missing;
  std::vector<ExpectedOutput> outputs;
  std::vector<ExpectedGap> gaps;
  std::vector<std::string> absent;  // globs: listed nowhere in the manifest
  std::vector<Allowed> allowed;
  std::vector<std::string> processes;  // as process_lines() writes them; empty: not checked
};

// Pure. An error names the 1-based line. `$NAME` without a variable is an error; `$$` is a dollar.
Result<Expectation> parse_expectation(std::string_view text, const Variables& variables);

// "ENOENT" -> ENOENT, "TERM" -> SIGTERM; 0 for a name that is none.
int errno_of(const std::string& name);
int signal_of(const std::string& name);

}  // namespace fptrace::testing
