#pragma once
#include <elf.h>

#include <cstring>
#include <string>

namespace fptrace {

template <class Ehdr, class Phdr>
std::string elf_bytes_of(unsigned char elf_class, const std::string& loader, size_t loader_at) {
  Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = elf_class;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Phdr);
  header.e_phnum = 2;
  Phdr headers[2]{};
  headers[0].p_type = PT_LOAD;
  headers[1].p_type = loader.empty() ? PT_NOTE : PT_INTERP;
  if (loader_at == 0) loader_at = sizeof header + sizeof headers;
  headers[1].p_offset = decltype(headers[1].p_offset)(loader_at);
  headers[1].p_filesz = decltype(headers[1].p_filesz)(loader.size() + 1);
  std::string file(reinterpret_cast<const char*>(&header), sizeof header);
  file.append(reinterpret_cast<const char*>(headers), sizeof headers);
  file.resize(loader_at, '\0');
  return file + loader + '\0';
}

// The beginning of an ELF program with this loader (none when empty), whose name stands at
// `loader_at`, or right behind the headers.
inline std::string elf_bytes(bool is_64, const std::string& loader, size_t loader_at = 0) {
  return is_64 ? elf_bytes_of<Elf64_Ehdr, Elf64_Phdr>(ELFCLASS64, loader, loader_at)
               : elf_bytes_of<Elf32_Ehdr, Elf32_Phdr>(ELFCLASS32, loader, loader_at);
}

}  // namespace fptrace
