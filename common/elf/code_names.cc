#include "common/elf/code_names.h"

#include <elfutils/libdw.h>
#include <gelf.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace fptrace {

struct CodeNames::File {
  struct Symbol {
    uint64_t address, size;
    const char* name;
  };
  std::string image;
  Elf* elf = nullptr;
  Dwarf* dwarf = nullptr;
  std::vector<Symbol> symbols;  // functions, by address

  ~File() {
    if (dwarf) dwarf_end(dwarf);
    if (elf) elf_end(elf);
  }
  void add_symbols(Elf_Scn* section, const GElf_Shdr& header);
  void read_symbols();
  std::optional<uint64_t> address_of(uint64_t offset) const;
};

void CodeNames::File::add_symbols(Elf_Scn* section, const GElf_Shdr& header) {
  Elf_Data* const data = elf_getdata(section, nullptr);
  if (!data || header.sh_entsize == 0) return;
  const auto n = int(std::min<uint64_t>(header.sh_size / header.sh_entsize, INT32_MAX));
  for (int i = 0; i < n; ++i) {
    GElf_Sym symbol;
    if (!gelf_getsym(data, i, &symbol)) return;
    const auto type = GELF_ST_TYPE(symbol.st_info);
    if ((type != STT_FUNC && type != STT_GNU_IFUNC) || symbol.st_shndx == SHN_UNDEF) continue;
    const char* const name = elf_strptr(elf, header.sh_link, symbol.st_name);
    if (name && *name != '\0') symbols.push_back({symbol.st_value, symbol.st_size, name});
  }
}

// The full table where it was not stripped; the dynamic one besides, for what it alone has.
void CodeNames::File::read_symbols() {
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header)) continue;
    if (header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM) add_symbols(section, header);
  }
  std::ranges::sort(symbols, {}, [](const Symbol& s) {
    return std::tuple(s.address, s.size, std::string_view(s.name));
  });
}

std::optional<uint64_t> CodeNames::File::address_of(uint64_t offset) const {
  size_t n = 0;
  if (elf_getphdrnum(elf, &n) != 0) return std::nullopt;
  for (size_t i = 0; i < n; ++i) {
    GElf_Phdr p;
    if (!gelf_getphdr(elf, int(i), &p) || p.p_type != PT_LOAD) continue;
    if (offset >= p.p_offset && offset - p.p_offset < p.p_filesz)
      return p.p_vaddr + (offset - p.p_offset);
  }
  return std::nullopt;
}

CodeNames::CodeNames(std::unique_ptr<File> file) : file_(std::move(file)) {}
CodeNames::CodeNames(CodeNames&&) noexcept = default;
CodeNames& CodeNames::operator=(CodeNames&&) noexcept = default;
CodeNames::~CodeNames() = default;

Result<CodeNames> CodeNames::read(std::string image) {
  elf_version(EV_CURRENT);
  auto file = std::make_unique<File>();
  file->image = std::move(image);
  file->elf = elf_memory(file->image.data(), file->image.size());
  if (!file->elf || elf_kind(file->elf) != ELF_K_ELF)
    return fail(Errc::kParse, "it is no ELF file");
  file->read_symbols();
  file->dwarf = dwarf_begin_elf(file->elf, DWARF_C_READ, nullptr);
  return CodeNames(std::move(file));
}

CodeNames::Name CodeNames::at(uint64_t offset) const {
  Name name;
  const auto address = file_->address_of(offset);
  if (!address) return name;
  const auto& symbols = file_->symbols;
  auto after = std::ranges::upper_bound(symbols, *address, {}, &File::Symbol::address);
  if (after != symbols.begin()) {
    const File::Symbol& s = *std::prev(after);
    const uint64_t distance = *address - s.address;
    char text[32] = "";
    if (distance != 0) std::snprintf(text, sizeof text, "+%#lx", distance);
    // Assembly may leave the size out.
    if (s.size == 0 || distance < s.size) name.symbol = std::string(s.name) + text;
  }
  if (!file_->dwarf) return name;
  Dwarf_Die unit;
  if (!dwarf_addrdie(file_->dwarf, *address, &unit)) return name;
  Dwarf_Line* const line = dwarf_getsrc_die(&unit, *address);
  int number = 0;
  const char* const source = line ? dwarf_linesrc(line, nullptr, nullptr) : nullptr;
  if (source && dwarf_lineno(line, &number) == 0 && number > 0) {
    name.source = source;
    name.line = uint32_t(number);
  }
  return name;
}

}  // namespace fptrace
