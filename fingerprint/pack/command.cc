#include "fingerprint/pack/command.h"

#include <algorithm>
#include <cctype>

#include "common/analysis/environment.h"

namespace fptrace::pack {
namespace {

bool is_shell_name(const std::string& name) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::ranges::all_of(name, fits);
}

std::string file_name(const std::vector<std::string>& argv) {
  std::string name = argv.empty() ? "" : argv[0].substr(argv[0].rfind('/') + 1);
  for (char& c : name) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 128 || (std::isalnum(u) == 0 && c != '.' && c != '_' && c != '+')) c = '-';
  }
  name.erase(0, std::min(name.find_first_not_of(".-"), name.size()));
  return name.empty() ? "program" : name.substr(0, 60);
}

// The parts of the script that are the same for every package.
constexpr std::string_view kHead = R"sh(#!/bin/sh
# Made by fptrace pack: runs a program with the files that it used when it was traced.
set -u

usage() {
  cat <<'END'
usage: run [OPTION]... [ARG]...
Runs the packed program in the directory rootfs beside this script: with the arguments
that it was traced with or, if any are given here, with these.

  --append      the arguments given here come after the traced ones
  --exec        the first argument is another program to run inside
  --tool TOOL   bwrap, unshare or chroot (default: the first of them that works here;
                chroot has no /proc and /sys inside, and its own few devices)
  --            ends the options
  -h, --help    show this help
END
}
fail() { printf 'run: %s\n' "$*" >&2; exit 125; }

how=replace tool=
while [ $# -gt 0 ]; do
  case $1 in
    --append) how=append ;;
    --exec) how=exec ;;
    --tool) [ $# -ge 2 ] || fail "--tool needs a value"; tool=$2; shift ;;
    --tool=*) tool=${1#--tool=} ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    *) break ;;
  esac
  shift
done
case $tool in '' | bwrap | unshare | chroot) ;; *) fail "--tool is one of bwrap, unshare, chroot" ;; esac

# The dot keeps $() from eating newlines that a name may end in.
self=$0
if [ -L "$self" ]; then self=$(readlink -f -- "$self"; echo .); self=${self%??}; fi
case $self in */*) here=${self%/*}/ ;; *) here=./ ;; esac
root=$(CDPATH= cd -- "${here}rootfs" 2>/dev/null && pwd -P && echo .) || fail "there is no ${here}rootfs"
root=${root%??}

user=
[ "$(id -u)" = 0 ] || user=-Ur
works() {
  case $1 in
    bwrap) bwrap --bind / / --dev-bind /dev /dev --proc /proc -- true ;;
    unshare) unshare $user -m sh -c 'unshare --root / --wd / true' ;;
    chroot) [ -z "$user" ] && command -v chroot ;;
  esac >/dev/null 2>&1 </dev/null
}
if [ -z "$tool" ]; then
  for try in bwrap unshare chroot; do
    if works "$try"; then tool=$try; break; fi
  done
  [ -n "$tool" ] || fail "needs bwrap (Debian package bubblewrap), or unshare, or to be root"
fi
found=$(command -v "$tool") || fail "there is no $tool here"

# Nothing may be mounted where no namespace keeps it apart. Most programs need no more than these.
make_devices() {
  while read -r name minor; do
    [ -e "$root/dev/$name" ] || mknod -m 666 "$root/dev/$name" c 1 "$minor" 2>/dev/null
  done <<'END'
null 3
zero 5
full 7
random 8
urandom 9
END
}
)sh";

// Puts what runs it before the command in "$@". With bwrap the loader's own variables are set
// inside only, for they would act on bwrap too.
constexpr std::string_view kEnter = R"sh(
case $tool in
  bwrap)
    set -- --chdir "$cwd" -- "$@"
    in_bwrap_only
    [ ! -d /sys ] || set -- --ro-bind /sys /sys "$@"
    [ -n "$user" ] || set -- --cap-add ALL "$@"
    set -- "$found" --bind "$root" / --dev-bind /dev /dev --proc /proc "$@" ;;
  *)
    if [ "$tool" = chroot ]; then make_devices; fi
    if unshare=$(command -v unshare) && "$unshare" --help 2>&1 | grep -q -e --root; then
      set -- "$unshare" --root "$root" --wd "$cwd" -- "$@"
    else
      [ "$cwd" = / ] || fail "without unshare it can only be run in /, not in $cwd"
      set -- "$found" "$root" "$@"
    fi ;;
esac
)sh";

constexpr std::string_view kStart = R"sh(
[ "$tool" = unshare ] || exec "$@"
exec "$found" $user -m sh -c '
  for dir in dev proc sys; do
    mount --rbind "/$dir" "$1/$dir" || echo "run: no /$dir inside" >&2
  done
  shift
  exec "$@"' sh "$root" "$@"
)sh";

// They act on every program, so on the one that enters the package too.
bool is_loaders(const std::string& name) {
  return name.starts_with("LD_") || name == "GLIBC_TUNABLES";
}

std::string set_command(const PackCommand& c) {
  if (c.argv.empty())
    return "[ $how = exec ] || fail \"the trace has no command of its own; give --exec PROGRAM\"\n";
  std::string all;
  for (const std::string& word : c.argv) all += " " + shell_word(word);
  return "case $how in\n  exec) ;;\n  append) set --" + all + " \"$@\" ;;\n" +
         "  *) if [ $# -gt 0 ]; then set -- " + shell_word(c.argv[0]) + " \"$@\"; else set --" +
         all + "; fi ;;\nesac\n";
}

std::string set_environment(const PackCommand& c) {
  std::string loaders, out = "set -- env -i";
  for (const auto& [name, value] : c.environment) {
    const std::string word = " \\\n  " + shell_word(name + "=" + value);
    (is_loaders(name) ? loaders : out) += word;
  }
  for (const std::string& name : c.withheld)
    if (is_shell_name(name)) out += " \\\n  ${" + name + "+\"" + name + "=$" + name + "\"}";
  out += " \"$@\"\n";
  if (loaders.empty()) return out;
  // Read from the bottom: what comes first in "$@" is put there last.
  return "[ \"$tool\" = bwrap ] || set -- env" + loaders + " \"$@\"\n" + out;
}

std::string set_in_bwrap(const PackCommand& c) {
  std::string out;
  for (const auto& [name, value] : c.environment)
    if (is_loaders(name)) out += " --setenv " + shell_word(name) + " " + shell_word(value);
  return out.empty() ? "" : "    set --" + out + " \"$@\"\n";
}

}  // namespace

std::string shell_word(const std::string& text) {
  std::string out = "'";
  for (const char c : text) c == '\'' ? out += "'\\''" : out += c;
  return out + "'";
}

PackCommand command_of(const Manifest& manifest, bool keep_secrets, std::vector<Note>& notes) {
  PackCommand out;
  out.argv = manifest.argv;
  out.cwd = manifest.cwd.empty() ? "/" : manifest.cwd;
  out.name = file_name(manifest.argv);
  for (const auto& [name, value] : manifest.environment_set) {
    const bool redacted = value.find(kRedacted) != value.npos;
    if (!redacted && (keep_secrets || redact(name, value) == value)) {
      out.environment[name] = value;
      continue;
    }
    out.withheld.push_back(name);
    notes.push_back({"", "the value of " + name +
                             " is a secret and left out; set it when you run "
                             "the program"});
  }
  return out;
}

std::string run_script(const PackCommand& c) {
  std::string enter(kEnter);
  constexpr std::string_view kHere = "    in_bwrap_only\n";
  enter.replace(enter.find(kHere), kHere.size(), set_in_bwrap(c));
  return std::string(kHead) + "\ncwd=" + shell_word(c.cwd) + "\n" + set_command(c) + enter +
         set_environment(c) + std::string(kStart);
}

}  // namespace fptrace::pack
