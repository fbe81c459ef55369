#pragma once
#include <elf.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace fptrace::unwind::testing {

// A shared object as the loader would lay it out in memory: header, dynamic section, symbols,
// relocations; then a PLT with one entry for each slot, and the slots. It has no frame information.
class ObjectImage {
 public:
  static constexpr uint64_t kSymbols = 0x400, kPlt = 0x2000, kSlots = 0x3000, kSize = 0x4000;

  ObjectImage(bool is_i386, const std::string& soname, const std::vector<std::string>& symbols)
      : is_i386_(is_i386), bytes_(kSize, '\0') {
    if (is_i386) {
      fill<Elf32_Ehdr, Elf32_Phdr, Elf32_Dyn, Elf32_Sym, Elf32_Rel>(soname, symbols);
    } else {
      fill<Elf64_Ehdr, Elf64_Phdr, Elf64_Dyn, Elf64_Sym, Elf64_Rela>(soname, symbols);
    }
  }

  std::string& bytes() { return bytes_; }
  // Makes the symbol of slot `i` one that this object defines too.
  void define(size_t i) {
    const uint64_t at = kSymbols + (i + 1) * (is_i386_ ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym));
    put(at + (is_i386_ ? offsetof(Elf32_Sym, st_shndx) : offsetof(Elf64_Sym, st_shndx)),
        uint16_t{1});
  }
  uint64_t slot(size_t i) const { return kSlots + i * 8; }
  uint64_t plt_entry(size_t i) const { return kPlt + i * 16; }

  template <class T>
  void put(uint64_t at, const T& value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }

 private:
  template <class Ehdr, class Phdr, class Dyn, class Sym, class Rel>
  void fill(const std::string& soname, const std::vector<std::string>& symbols) {
    constexpr uint64_t kDynamic = 0x200, kRelocations = 0x600, kStrings = 0x800;
    Ehdr ehdr{};
    std::memcpy(ehdr.e_ident, ELFMAG, SELFMAG);
    ehdr.e_ident[EI_CLASS] = is_i386_ ? ELFCLASS32 : ELFCLASS64;
    ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
    ehdr.e_machine = is_i386_ ? EM_386 : EM_X86_64;
    ehdr.e_phoff = sizeof ehdr;
    ehdr.e_phentsize = sizeof(Phdr);
    ehdr.e_phnum = 2;
    put(0, ehdr);
    Phdr load{};
    load.p_type = PT_LOAD;
    load.p_filesz = kSize;
    put(sizeof ehdr, load);

    std::string strings(1, '\0');
    const auto add = [&](const std::string& s) {
      strings += s + '\0';
      return uint32_t(strings.size() - s.size() - 1);
    };
    for (size_t i = 0; i < symbols.size(); ++i) {
      Sym symbol{};
      symbol.st_name = add(symbols[i]);
      put(kSymbols + (i + 1) * sizeof symbol, symbol);
      Rel relocation{};
      relocation.r_offset = decltype(relocation.r_offset)(slot(i));
      const auto index = decltype(relocation.r_info)(i + 1);
      relocation.r_info = is_i386_ ? decltype(index)((index << 8) + R_386_JMP_SLOT)
                                   : decltype(index)((uint64_t(index) << 32) + R_X86_64_JUMP_SLOT);
      put(kRelocations + i * sizeof relocation, relocation);
      put_plt_entry(i);
    }
    const uint32_t name = add(soname);
    std::memcpy(bytes_.data() + kStrings, strings.data(), strings.size());

    const std::vector<std::pair<int, uint64_t>> tags = {
        {DT_STRTAB, kStrings},
        {DT_STRSZ, strings.size()},
        {DT_SYMTAB, kSymbols},
        {DT_SONAME, name},
        {DT_PLTGOT, kSlots},
        {DT_JMPREL, kRelocations},
        {DT_PLTREL, is_i386_ ? DT_REL : DT_RELA},
        {DT_PLTRELSZ, symbols.size() * sizeof(Rel)}};
    for (size_t i = 0; i < tags.size(); ++i) {
      Dyn entry{};
      entry.d_tag = tags[i].first;
      entry.d_un.d_val = decltype(entry.d_un.d_val)(tags[i].second);
      put(kDynamic + i * sizeof entry, entry);
    }
    Phdr dynamic{};
    dynamic.p_type = PT_DYNAMIC;
    dynamic.p_vaddr = kDynamic;
    dynamic.p_filesz = decltype(dynamic.p_filesz)((tags.size() + 1) * sizeof(Dyn));
    put(sizeof ehdr + sizeof(Phdr), dynamic);
  }

  // endbr, then a jump through the slot: relative to the next instruction, or to %ebx.
  void put_plt_entry(size_t i) {
    const uint64_t at = plt_entry(i);
    const std::string endbr = is_i386_ ? "\xf3\x0f\x1e\xfb" : "\xf3\x0f\x1e\xfa";
    std::memcpy(bytes_.data() + at, endbr.data(), endbr.size());
    put(at + 4, uint8_t{0xff});
    put(at + 5, uint8_t(is_i386_ ? 0xa3 : 0x25));
    put(at + 6, int32_t(is_i386_ ? slot(i) - kSlots : slot(i) - (at + 10)));
  }

  bool is_i386_;
  std::string bytes_;
};

}  // namespace fptrace::unwind::testing
