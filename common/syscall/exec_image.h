#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// What the kernel reads of a file to run it. Pure functions over bytes that may be anything.

namespace fptrace {

// The interpreter that the kernel (since 5.1) would start for a file that begins with `head`, by
// the rules of fs/binfmt_script.c. nullopt: not a `#!` script, or one that it refuses (ENOEXEC).
// Only the first 256 bytes count, as there.
std::optional<std::string> script_interpreter(std::string_view head);

// A piece of a file.
struct FileSpan {
  uint64_t offset = 0, size = 0;
  bool operator==(const FileSpan&) const = default;
};

// Where an ELF file has its program headers.
struct ProgramHeaders {
  FileSpan table;
  bool is_64 = false;
  bool operator==(const ProgramHeaders&) const = default;
};

// nullopt: no ELF file that this kernel would run, or `head` is too short to tell (64 bytes do).
std::optional<ProgramHeaders> elf_program_headers(std::string_view head);
// Where the name of the program's loader (PT_INTERP) stands, with its terminating NUL. nullopt: it
// has none (static), or one that the kernel refuses. `table` is ProgramHeaders::table's bytes.
std::optional<FileSpan> elf_interpreter(std::string_view table, bool is_64);

}  // namespace fptrace
