#include "common/elf/elf_identity.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <set>

#include "common/base/text.h"
#include "common/base/unique_fd.h"

namespace fptrace {
namespace {

// No real file comes near these; they bound the work on a hostile one.
constexpr size_t kMaxDynamicEntries = 1 << 16;
constexpr size_t kMaxStringTable = 64u << 20;
constexpr size_t kMaxNotes = 16u << 20;
constexpr size_t kMaxInterpreter = 4096;
constexpr size_t kMaxVersions = 1 << 16;

constexpr uint32_t kPackagingNote = 0xcafe1a7e;  // systemd.io/ELF_PACKAGE_METADATA
constexpr uint32_t kDlopenNote = 0x407c0c0a;     // uapi-group.org: ELF dlopen metadata

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfEnd>;

tl::unexpected<Error> bad(const std::string& what) { return fail(Errc::kParse, "ELF: " + what); }

// Reads one file through libelf. Every offset from the file goes through chunk(), which is where
// bounds are checked.
class Reader {
 public:
  Reader(Elf* elf, uint64_t file_size) : elf_(elf), file_size_(file_size) {}
  Result<ElfIdentity> read();

 private:
  // A run of bytes of the file in memory, converted to the host's order; nullptr when any of it is
  // outside the file. Owned by libelf until elf_end().
  Elf_Data* chunk(uint64_t offset, uint64_t size, Elf_Type type) {
    if (size == 0 || offset > file_size_ || size > file_size_ - offset) return nullptr;
    return elf_getdata_rawchunk(elf_, int64_t(offset), size, type);
  }
  Result<void> read_headers();
  Result<void> read_interpreter(const GElf_Phdr& segment);
  Result<void> read_notes(const GElf_Phdr& segment);
  Result<void> read_dynamic(const GElf_Phdr& segment);
  Result<void> read_strings();
  Result<void> read_required();
  Result<void> read_provided();
  Result<Elf_Data*> version_table(uint64_t address, Elf_Type type, const char* name);
  void note(const GElf_Nhdr& header, const char* data, size_t name, size_t desc);

  // File offset of a virtual address, with the bytes that follow it in its segment.
  struct Span {
    uint64_t offset, size;
  };
  std::optional<Span> file_span(uint64_t address) const;
  Result<std::string> string_at(uint64_t index, const char* what) const;
  std::string spell(const std::string& soname, const std::string& version) const;

  Elf* elf_;
  uint64_t file_size_;
  ElfIdentity id_;
  std::vector<GElf_Phdr> segments_;
  std::vector<GElf_Dyn> dynamic_;
  std::string_view strings_;
  uint64_t strtab_ = 0, strsz_ = 0, verneed_ = 0, verneednum_ = 0, verdef_ = 0, verdefnum_ = 0;
};

std::optional<Reader::Span> Reader::file_span(uint64_t address) const {
  for (const GElf_Phdr& p : segments_) {
    if (p.p_type != PT_LOAD || address < p.p_vaddr || address - p.p_vaddr >= p.p_filesz) continue;
    const uint64_t skip = address - p.p_vaddr;
    if (p.p_offset > UINT64_MAX - skip) return std::nullopt;
    return Span{p.p_offset + skip, p.p_filesz - skip};
  }
  return std::nullopt;
}

Result<std::string> Reader::string_at(uint64_t index, const char* what) const {
  if (index >= strings_.size()) return bad(std::string(what) + " is outside the string table");
  const size_t end = strings_.find('\0', index);
  if (end == strings_.npos) return bad(std::string(what) + " is not terminated");
  return std::string(strings_.substr(index, end - index));
}

std::string Reader::spell(const std::string& soname, const std::string& version) const {
  if (!id_.is_64) return version.empty() ? soname : soname + "(" + version + ")";
  return soname + "(" + version + ")(64bit)";
}

Result<void> Reader::read_headers() {
  if (elf_kind(elf_) != ELF_K_ELF) return bad("not an ELF file");
  GElf_Ehdr header;
  if (gelf_getehdr(elf_, &header) == nullptr) return bad("header cut short");
  id_.is_64 = gelf_getclass(elf_) == ELFCLASS64;
  id_.little_endian = header.e_ident[EI_DATA] == ELFDATA2LSB;
  id_.type = header.e_type;
  id_.machine = header.e_machine;
  id_.flags = header.e_flags;
  size_t count = 0;
  if (elf_getphdrnum(elf_, &count) != 0) return bad("bad number of program headers");
  // libelf makes do with fewer when the file ends within them.
  if (header.e_phnum != PN_XNUM && count != header.e_phnum) return bad("program headers cut short");
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr p;
    if (gelf_getphdr(elf_, int(i), &p) == nullptr) return bad("program headers cut short");
    segments_.push_back(p);
  }
  return {};
}

Result<void> Reader::read_interpreter(const GElf_Phdr& segment) {
  if (segment.p_filesz > kMaxInterpreter) return bad("interpreter name too long");
  const Elf_Data* data = chunk(segment.p_offset, segment.p_filesz, ELF_T_BYTE);
  if (data == nullptr) return bad("interpreter is outside the file");
  const std::string_view text(static_cast<const char*>(data->d_buf), data->d_size);
  id_.interpreter = text.substr(0, text.find('\0'));
  return {};
}

void Reader::note(const GElf_Nhdr& header, const char* data, size_t name, size_t desc) {
  const std::string_view owner(data + name, header.n_namesz);
  const std::string_view text(data + desc, header.n_descsz);
  const auto json = [&] { return std::string(text.substr(0, text.find('\0'))); };
  if (owner == std::string_view("GNU\0", 4) && header.n_type == NT_GNU_BUILD_ID) {
    id_.build_id = to_hex({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  } else if (owner == std::string_view("FDO\0", 4) && header.n_type == kPackagingNote) {
    id_.package_note = json();
  } else if (owner == std::string_view("FDO\0", 4) && header.n_type == kDlopenNote) {
    id_.dlopen_notes.push_back(json());
  }
}

Result<void> Reader::read_notes(const GElf_Phdr& segment) {
  if (segment.p_filesz == 0) return {};
  if (segment.p_filesz > kMaxNotes) return bad("notes too long");
  // elf(5): 8-byte alignment changes where the parts of a note lie.
  Elf_Data* data =
      chunk(segment.p_offset, segment.p_filesz, segment.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
  if (data == nullptr) return bad("notes are outside the file");
  GElf_Nhdr header;
  size_t name = 0, desc = 0;
  for (size_t at = 0;
       at < data->d_size && (at = gelf_getnote(data, at, &header, &name, &desc)) > 0;) {
    note(header, static_cast<const char*>(data->d_buf), name, desc);
  }
  return {};
}

Result<void> Reader::read_dynamic(const GElf_Phdr& segment) {
  if (segment.p_filesz == 0) return {};  // a debug file: the segment's content lies elsewhere
  const size_t entry = gelf_fsize(elf_, ELF_T_DYN, 1, EV_CURRENT);
  const uint64_t count = segment.p_filesz / entry;
  if (count > kMaxDynamicEntries) return bad("too many dynamic entries");
  if (count == 0) return bad("dynamic segment cut short");
  Elf_Data* data = chunk(segment.p_offset, count * entry, ELF_T_DYN);
  if (data == nullptr) return bad("dynamic segment is outside the file");
  id_.dynamic = true;
  for (uint64_t i = 0; i < count; ++i) {
    GElf_Dyn d;
    if (gelf_getdyn(data, int(i), &d) == nullptr) return bad("dynamic segment cut short");
    if (d.d_tag == DT_NULL) break;
    dynamic_.push_back(d);
    if (d.d_tag == DT_STRTAB) strtab_ = d.d_un.d_ptr;
    if (d.d_tag == DT_STRSZ) strsz_ = d.d_un.d_val;
    if (d.d_tag == DT_VERNEED) verneed_ = d.d_un.d_ptr;
    if (d.d_tag == DT_VERNEEDNUM) verneednum_ = d.d_un.d_val;
    if (d.d_tag == DT_VERDEF) verdef_ = d.d_un.d_ptr;
    if (d.d_tag == DT_VERDEFNUM) verdefnum_ = d.d_un.d_val;
    if (d.d_tag != DT_FLAGS_1) continue;
    id_.no_default = (d.d_un.d_val & DF_1_NODEFLIB) != 0;
    id_.pie = (d.d_un.d_val & DF_1_PIE) != 0;
  }
  return {};
}

Result<void> Reader::read_strings() {
  if (strtab_ != 0) {
    const auto span = file_span(strtab_);
    if (!span || strsz_ == 0 || strsz_ > span->size || strsz_ > kMaxStringTable) {
      return bad("string table is outside the file");
    }
    const Elf_Data* data = chunk(span->offset, strsz_, ELF_T_BYTE);
    if (data == nullptr) return bad("string table is outside the file");
    strings_ = {static_cast<const char*>(data->d_buf), data->d_size};
  }
  for (const GElf_Dyn& d : dynamic_) {
    std::string* to = d.d_tag == DT_SONAME      ? &id_.soname
                      : d.d_tag == DT_RPATH     ? &id_.rpath
                      : d.d_tag == DT_RUNPATH   ? &id_.runpath
                      : d.d_tag == DT_NEEDED    ? &id_.needed.emplace_back()
                      : d.d_tag == DT_AUXILIARY ? &id_.auxiliaries.emplace_back()
                      : d.d_tag == DT_FILTER    ? &id_.filters.emplace_back()
                                                : nullptr;
    if (to == nullptr) continue;
    auto text = string_at(d.d_un.d_val, "a dynamic string");
    if (!text) return fail(text.error());
    *to = std::move(*text);
  }
  return {};
}

Result<Elf_Data*> Reader::version_table(uint64_t address, Elf_Type type, const char* name) {
  const auto span = file_span(address);
  if (!span || span->offset > file_size_) return bad(std::string(name) + " is outside the file");
  // The table does not say how long it is; its own chain does, within what is left.
  const uint64_t size = std::min(span->size, file_size_ - span->offset);
  Elf_Data* data = chunk(span->offset, std::min<uint64_t>(size, kMaxStringTable), type);
  if (data == nullptr) return bad(std::string(name) + " is outside the file");
  return data;
}

Result<void> Reader::read_required() {
  std::set<std::string> all;
  for (const std::string& soname : id_.needed) all.insert(spell(soname, ""));
  if (verneed_ != 0) {
    auto data = version_table(verneed_, ELF_T_VNEED, "DT_VERNEED");
    if (!data) return fail(data.error());
    size_t budget = kMaxVersions, at = 0;
    for (uint64_t i = 0; i < verneednum_; ++i) {
      GElf_Verneed need;
      if (gelf_getverneed(*data, int(at), &need) == nullptr) return bad("DT_VERNEED cut short");
      auto soname = string_at(need.vn_file, "a library's name in DT_VERNEED");
      if (!soname) return fail(soname.error());
      size_t aux_at = at + need.vn_aux;
      for (unsigned j = 0; j < need.vn_cnt; ++j) {
        GElf_Vernaux aux;
        if (budget-- == 0) return bad("DT_VERNEED has no end");
        if (aux_at > INT32_MAX || gelf_getvernaux(*data, int(aux_at), &aux) == nullptr) {
          return bad("DT_VERNEED cut short");
        }
        auto version = string_at(aux.vna_name, "a version in DT_VERNEED");
        if (!version) return fail(version.error());
        all.insert(spell(*soname, *version));
        if (aux.vna_next == 0) break;
        aux_at += aux.vna_next;
      }
      at += need.vn_next;
      if (need.vn_next == 0) break;
      if (at > INT32_MAX || budget-- == 0) return bad("DT_VERNEED has no end");
    }
  }
  id_.requires_.assign(all.begin(), all.end());
  return {};
}

Result<void> Reader::read_provided() {
  std::set<std::string> all;
  if (!id_.soname.empty()) all.insert(spell(id_.soname, ""));
  if (verdef_ != 0 && !id_.soname.empty()) {
    auto data = version_table(verdef_, ELF_T_VDEF, "DT_VERDEF");
    if (!data) return fail(data.error());
    size_t budget = kMaxVersions, at = 0;
    for (uint64_t i = 0; i < verdefnum_; ++i) {
      GElf_Verdef def;
      if (gelf_getverdef(*data, int(at), &def) == nullptr) return bad("DT_VERDEF cut short");
      // The base definition names the file itself, not a version; only the first name of a
      // definition is its own, the others are the versions it inherits from.
      if ((def.vd_flags & VER_FLG_BASE) == 0 && def.vd_cnt > 0) {
        GElf_Verdaux aux;
        const size_t aux_at = at + def.vd_aux;
        if (aux_at > INT32_MAX || gelf_getverdaux(*data, int(aux_at), &aux) == nullptr) {
          return bad("DT_VERDEF cut short");
        }
        auto version = string_at(aux.vda_name, "a version in DT_VERDEF");
        if (!version) return fail(version.error());
        all.insert(spell(id_.soname, *version));
      }
      at += def.vd_next;
      if (def.vd_next == 0) break;
      if (at > INT32_MAX || budget-- == 0) return bad("DT_VERDEF has no end");
    }
  }
  id_.provides.assign(all.begin(), all.end());
  return {};
}

Result<ElfIdentity> Reader::read() {
  if (auto r = read_headers(); !r) return fail(r.error());
  for (const GElf_Phdr& p : segments_) {
    Result<void> r;
    if (p.p_type == PT_INTERP) r = read_interpreter(p);
    if (p.p_type == PT_NOTE) r = read_notes(p);
    if (p.p_type == PT_DYNAMIC && !id_.dynamic) r = read_dynamic(p);
    if (!r) return fail(r.error());
  }
  if (auto r = read_strings(); !r) return fail(r.error());
  if (auto r = read_required(); !r) return fail(r.error());
  if (auto r = read_provided(); !r) return fail(r.error());
  return std::move(id_);
}

// libelf must be told once per process which version of the format its caller knows.
void init_libelf() { [[maybe_unused]] static const unsigned kVersion = elf_version(EV_CURRENT); }

}  // namespace

Result<ElfIdentity> parse_elf(std::string_view image) {
  init_libelf();
  // libelf takes a char* but does not write unless elf_update() is called.
  const ElfHandle elf(elf_memory(const_cast<char*>(image.data()), image.size()));
  if (!elf) return bad("not an ELF file");
  return Reader(elf.get(), image.size()).read();
}

Result<ElfIdentity> read_elf(int fd) {
  init_libelf();
  struct stat st;
  if (::fstat(fd, &st) != 0) return fail_errno("fstat");
  if (!S_ISREG(st.st_mode)) return bad("not a regular file");
  const ElfHandle elf(elf_begin(fd, ELF_C_READ, nullptr));
  if (!elf) return bad("not an ELF file");
  return Reader(elf.get(), uint64_t(st.st_size)).read();
}

Result<ElfIdentity> read_elf(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail_errno("open " + path);
  auto id = read_elf(fd.get());
  if (!id) return fail(id.error().code, path + ": " + id.error().what);
  return id;
}

}  // namespace fptrace
