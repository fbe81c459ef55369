#include "frontends/cli/start_failure.h"

#include <elf.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <system_error>

#include "common/base/text.h"
#include "common/elf/elf_identity.h"
#include "common/path/program_search.h"

namespace fptrace::cli {
namespace {

const char* machine_name(uint16_t machine) {
  switch (machine) {
    case EM_386:
      return "i386";
    case EM_X86_64:
      return "x86-64";
    case EM_ARM:
      return "32-bit ARM";
    case EM_AARCH64:
      return "AArch64";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "PowerPC 64";
    case EM_S390:
      return "S/390";
    case EM_MIPS:
      return "MIPS";
    case EM_LOONGARCH:
      return "LoongArch";
    default:
      return "another kind of machine";
  }
}

// What a `#!` line names, without its argument.
std::optional<std::string> script_interpreter(const std::string& file) {
  std::array<char, 256> head{};  // BINPRM_BUF_SIZE: the kernel looks no further
  std::ifstream in(file, std::ios::binary);
  in.read(head.data(), std::streamsize(head.size()));
  const std::string text(head.data(), size_t(in.gcount()));
  if (!text.starts_with("#!")) return std::nullopt;
  const size_t begin = text.find_first_not_of(" \t", 2);
  if (begin == std::string::npos || text[begin] == '\n') return std::string();
  return text.substr(begin, text.find_first_of(" \t\n", begin) - begin);
}

// The file is there and execve(2) said ENOENT: what is missing is what the file itself names.
std::string missing_helper(const std::string& file) {
  if (const auto interpreter = script_interpreter(file)) {
    return "the interpreter '" + *interpreter + "' that its #! line names does not exist";
  }
  if (const auto elf = read_elf(file); elf && !elf->interpreter.empty()) {
    return "the program loader '" + elf->interpreter + "' that it needs does not exist" +
           (elf->machine == EM_386
                ? " (32-bit: dpkg --add-architecture i386; apt install libc6:i386)"
                : "");
  }
  return "no such file or directory";
}

std::string not_a_program(const std::string& file) {
  if (const auto elf = read_elf(file)) {
    utsname host{};
    ::uname(&host);
    return std::string("is a program for ") + machine_name(elf->machine) + ", this machine is " +
           host.machine;
  }
  return "is not a program that this machine can run (neither ELF nor a script with a #! line)";
}

}  // namespace

StartFailure explain_start_failure(const std::string& program, int err, const std::string& path) {
  const FoundProgram found = search_program(program, path, host_program_error);
  const std::string& file = found.error == 0 ? found.path : found.refused;
  struct stat st {};
  const bool exists = !file.empty() && ::stat(file.c_str(), &st) == 0;
  const std::string name = program.empty() ? "''" : program;
  if (err == ENOENT) {
    if (exists) return {kNotFound, name + ": " + missing_helper(file)};
    if (program.find('/') == std::string::npos) return {kNotFound, name + ": command not found"};
    return {kNotFound, name + ": no such file or directory"};
  }
  if (exists && S_ISDIR(st.st_mode)) return {kNotExecutable, name + ": is a directory"};
  if (err == ENOEXEC) return {kNotExecutable, name + ": " + not_a_program(file)};
  if (err == EACCES && exists && (st.st_mode & 0111) == 0) {
    return {kNotExecutable, name + ": permission denied (not executable; chmod +x makes it so)"};
  }
  return {kNotExecutable, name + ": " + std::generic_category().message(err)};
}

ExitStatus not_started(const Context& ctx, const Arguments& args, const std::string& program,
                       const Error& error) {
  // What it was looked for in is another root: that of this host tells nothing.
  if (args.has("rootfs")) {
    ctx.err << "fptrace: " << printable(error.what) << '\n';
    return {error.sys == ENOENT ? kNotFound : kNotExecutable};
  }
  const char* path = std::getenv("PATH");
  const auto why = explain_start_failure(program, error.sys, path != nullptr ? path : "");
  ctx.err << "fptrace: " << why.sentence << '\n';
  return {why.code};
}

}  // namespace fptrace::cli
