#include "common/syscall/exec_image.h"

#include <elf.h>
#include <linux/limits.h>

#include <algorithm>
#include <cstring>

namespace fptrace {
namespace {

constexpr size_t kBufferSize = 256;         // BINPRM_BUF_SIZE
constexpr size_t kMostHeaderBytes = 65536;  // load_elf_phdrs() in fs/binfmt_elf.c
constexpr std::string_view kBlanks = " \t";

// The structure at `offset` of `bytes`, which need not be aligned.
template <class T>
std::optional<T> at(std::string_view bytes, size_t offset) {
  if (bytes.size() < sizeof(T) || offset > bytes.size() - sizeof(T)) return std::nullopt;
  T object;
  std::memcpy(&object, bytes.data() + offset, sizeof object);
  return object;
}

template <class Header, class ProgramHeader>
std::optional<ProgramHeaders> headers_of(std::string_view head, bool is_64) {
  const auto header = at<Header>(head, 0);
  if (!header || header->e_phentsize != sizeof(ProgramHeader)) return std::nullopt;
  const uint64_t size = uint64_t{header->e_phnum} * sizeof(ProgramHeader);
  if (size == 0 || size > kMostHeaderBytes) return std::nullopt;
  return ProgramHeaders{{header->e_phoff, size}, is_64};
}

template <class ProgramHeader>
std::optional<FileSpan> interpreter_of(std::string_view table) {
  for (size_t offset = 0;; offset += sizeof(ProgramHeader)) {
    const auto header = at<ProgramHeader>(table, offset);
    if (!header) return std::nullopt;
    if (header->p_type != PT_INTERP) continue;
    if (header->p_filesz < 2 || header->p_filesz > PATH_MAX) return std::nullopt;
    return FileSpan{header->p_offset, header->p_filesz};
  }
}

}  // namespace

std::optional<std::string> script_interpreter(std::string_view head) {
  if (!head.starts_with("#!")) return std::nullopt;
  // The kernel's buffer is filled up with NULs behind the end of a short file, and a NUL in it ends
  // the line like a newline, except that then nothing says that the name is complete.
  std::string_view line = head.substr(2, kBufferSize - 2);
  const bool fills_buffer = head.size() >= kBufferSize;
  const size_t newline = line.substr(0, line.find('\0')).find('\n');
  if (newline != line.npos) line = line.substr(0, newline);
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const size_t end = line.find_first_of(std::string_view(" \t\0", 3));
  // Without any end in sight the name may be cut short.
  if (end == line.npos && newline == line.npos && fills_buffer) return std::nullopt;
  const std::string_view name = line.substr(0, end);
  if (name.empty()) return std::nullopt;
  return std::string(name);
}

std::optional<ProgramHeaders> elf_program_headers(std::string_view head) {
  if (head.size() < EI_NIDENT || !head.starts_with(ELFMAG)) return std::nullopt;
  if (head[EI_DATA] != ELFDATA2LSB) return std::nullopt;
  if (head[EI_CLASS] == ELFCLASS64) return headers_of<Elf64_Ehdr, Elf64_Phdr>(head, true);
  if (head[EI_CLASS] == ELFCLASS32) return headers_of<Elf32_Ehdr, Elf32_Phdr>(head, false);
  return std::nullopt;
}

std::optional<FileSpan> elf_interpreter(std::string_view table, bool is_64) {
  return is_64 ? interpreter_of<Elf64_Phdr>(table) : interpreter_of<Elf32_Phdr>(table);
}

}  // namespace fptrace
