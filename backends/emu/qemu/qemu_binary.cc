#include "backends/emu/qemu/qemu_binary.h"

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "backends/emu/qemu/command.h"
#include "common/path/program_search.h"

namespace fptrace::emu {
namespace {

constexpr char kProgram[] = "qemu-system-x86_64";

// "10.0.2": a number that fits, and what follows it.
bool take_number(std::string_view& text, int& out) {
  size_t n = 0;
  out = 0;
  for (; n < text.size() && text[n] >= '0' && text[n] <= '9' && n < 5; ++n)
    out = out * 10 + (text[n] - '0');
  text.remove_prefix(n);
  return n > 0;
}

}  // namespace

const char* const kGetQemu =
    "install qemu-system-x86 10.0 or newer (Debian 13: apt install qemu-system-x86; Debian 12: "
    "from "
    "bookworm-backports, as ./dev setup does)";

std::string to_string(const QemuVersion& v) {
  std::string s =
      std::to_string(v.major) + "." + std::to_string(v.minor) + "." + std::to_string(v.micro);
  if (!v.package.empty()) s += " (" + v.package + ")";
  return s;
}

Result<QemuVersion> parse_qemu_version(std::string_view text) {
  constexpr std::string_view kBegin = "QEMU emulator version ";
  const auto bad = [] { return fail(Errc::kParse, "QEMU does not tell its version"); };
  if (!text.starts_with(kBegin)) return bad();
  text.remove_prefix(kBegin.size());
  text = text.substr(0, text.find('\n'));
  QemuVersion v;
  if (!take_number(text, v.major) || !text.starts_with(".")) return bad();
  text.remove_prefix(1);
  if (!take_number(text, v.minor)) return bad();
  if (text.starts_with(".")) {
    text.remove_prefix(1);
    if (!take_number(text, v.micro)) return bad();
  }
  const size_t open = text.find('('), close = text.rfind(')');
  if (open != text.npos && close != text.npos && close > open)
    v.package = std::string(text.substr(open + 1, close - open - 1));
  return v;
}

Result<std::string> find_in_path(const std::string& program) {
  // Debian has what formats a disk where a user's PATH does not lead.
  FoundProgram found =
      search_program(program, search_path() + ":/usr/sbin", [](const std::string& path) {
        return path.starts_with('/') ? host_program_error(path) : ENOENT;
      });
  if (found.error != 0) return fail(Errc::kUnsupported, "there is no " + program + " here");
  return std::move(found.path);
}

Result<Qemu> find_qemu() {
  const char* named = std::getenv("FPTRACE_QEMU");
  auto path =
      named != nullptr && *named != '\0' ? Result<std::string>(named) : find_in_path(kProgram);
  if (!path) return fail(Errc::kUnsupported, path.error().what + "; " + kGetQemu);
  // Which begins with the version.
  const auto text = run_command({*path, "--help"});
  if (!text) return fail(Errc::kUnsupported, text.error().what + "; " + kGetQemu);
  auto version = parse_qemu_version(*text);
  if (!version)
    return fail(Errc::kUnsupported, *path + ": " + version.error().what + "; " + kGetQemu);
  if (version->major < 10)
    return fail(Errc::kUnsupported,
                *path + " is QEMU " + to_string(*version) + ", which is too old; " + kGetQemu);
  if (text->find("\n-plugin ") == std::string::npos)
    return fail(Errc::kUnsupported,
                *path + " was built without plugins (--enable-plugins); " + kGetQemu);
  return Qemu{*std::move(path), *std::move(version)};
}

}  // namespace fptrace::emu
