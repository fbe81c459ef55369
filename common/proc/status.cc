#include "common/proc/status.h"

#include "common/base/scanner.h"
#include "common/proc/lines.h"
#include "common/proc/text_file.h"

namespace fptrace {
namespace {

bool four(Scanner& s, std::array<uint32_t, 4>& out) {
  return s.dec(out[0]) && s.lit("\t") && s.dec(out[1]) && s.lit("\t") && s.dec(out[2]) &&
         s.lit("\t") && s.dec(out[3]);
}

// False when the value of a known key cannot be read.
bool parse_value(std::string_view key, Scanner& s, TaskStatus& status) {
  if (key == "Tgid") return s.dec(status.tgid);
  if (key == "Pid") return s.dec(status.pid);
  if (key == "PPid") return s.dec(status.ppid);
  if (key == "TracerPid") return s.dec(status.tracer_pid);
  if (key == "Uid") return four(s, status.uid);
  if (key == "Gid") return four(s, status.gid);
  if (key == "CapEff") return s.hex(status.cap_effective);
  if (key == "SigPnd") return s.hex(status.pending_signals);
  if (key == "NoNewPrivs") return s.dec(status.no_new_privs);
  if (key == "Seccomp") return s.dec(status.seccomp);
  if (key == "Name") status.name = s.rest();
  return true;
}

}  // namespace

Result<TaskStatus> parse_status(std::string_view text) {
  TaskStatus status;
  unsigned found = 0;
  const auto ok = for_each_line(text, "status", [&](std::string_view line) -> Result<void> {
    const size_t colon = line.find(':');
    if (colon == line.npos) return fail(Errc::kParse, "no colon");
    const std::string_view key = line.substr(0, colon);
    Scanner s(line.substr(colon + 1));
    (void)s.lit("\t");
    if (!parse_value(key, s, status)) return fail(Errc::kParse, "bad value of " + std::string(key));
    if (key == "Tgid" || key == "Pid" || key == "PPid") ++found;
    return {};
  });
  if (!ok) return fail(ok.error());
  if (found < 3) return fail(Errc::kParse, "status: Tgid, Pid or PPid is missing");
  return status;
}

Result<TaskStatus> read_status(pid_t tid) {
  const auto text = read_text_file("/proc/" + std::to_string(tid) + "/status");
  if (!text) return fail(text.error());
  return parse_status(*text);
}

}  // namespace fptrace
