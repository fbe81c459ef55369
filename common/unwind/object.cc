#include "common/unwind/object.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "common/unwind/frame_records.h"
#include "common/unwind/open_family.h"

namespace fptrace::unwind {
namespace {

// The largest objects there are (browsers, LLVM) stay below these.
constexpr size_t kMostTable = 64 << 20;      // bytes of one dynamic table
constexpr size_t kMostFrameInfo = 64 << 20;  // bytes of .eh_frame
constexpr size_t kMostDynamic = 1024;        // entries of the dynamic section
constexpr size_t kMostName = 512;            // of a symbol

template <class T>
T take(std::string_view bytes, size_t at) {
  T value{};
  if (at <= bytes.size() && sizeof value <= bytes.size() - at)
    std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
void append(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Both ELF classes as one.
struct Segment {
  uint32_t type = 0;
  uint64_t offset = 0, address = 0, file_size = 0;
};

struct Class64 {
  using Ehdr = Elf64_Ehdr;
  using Phdr = Elf64_Phdr;
  using Dyn = Elf64_Dyn;
  using Sym = Elf64_Sym;
  using Rel = Elf64_Rel;
  using Rela = Elf64_Rela;
  static uint64_t symbol(uint64_t info) { return ELF64_R_SYM(info); }
  static uint64_t type(uint64_t info) { return ELF64_R_TYPE(info); }
};
struct Class32 {
  using Ehdr = Elf32_Ehdr;
  using Phdr = Elf32_Phdr;
  using Dyn = Elf32_Dyn;
  using Sym = Elf32_Sym;
  using Rel = Elf32_Rel;
  using Rela = Elf32_Rela;
  static uint64_t symbol(uint64_t info) { return ELF32_R_SYM(info); }
  static uint64_t type(uint64_t info) { return ELF32_R_TYPE(info); }
};

// R_386_* and R_X86_64_* number these alike.
bool holds_symbol_address(uint64_t type) {
  return type == R_X86_64_64 || type == R_X86_64_GLOB_DAT || type == R_X86_64_JUMP_SLOT;
}

}  // namespace

class ObjectReader {
 public:
  ObjectReader(TaskView& task, uint64_t base, std::string_view header)
      : task_(task), base_(base), header_(header) {}

  std::shared_ptr<const Object> read() {
    if (!header_.starts_with(ELFMAG) || header_.size() < sizeof(Elf64_Ehdr)) return nullptr;
    const auto machine = take<uint16_t>(header_, offsetof(Elf64_Ehdr, e_machine));
    if (header_[EI_DATA] != ELFDATA2LSB || (machine != EM_386 && machine != EM_X86_64))
      return nullptr;
    if (header_[EI_CLASS] == ELFCLASS64) return read_as<Class64>();
    if (header_[EI_CLASS] == ELFCLASS32) return read_as<Class32>();
    return nullptr;
  }

 private:
  template <class Class>
  std::shared_ptr<const Object> read_as() {
    read_segments<Class>();
    // The page that `header_` is comes from the segment that maps the start of the file.
    const auto first = std::ranges::find_if(segments_, [](const Segment& s) {
      return s.type == PT_LOAD && s.offset < Object::kHeaderSize;
    });
    if (first == segments_.end()) return nullptr;
    object_->first_address_ = (first->address - first->offset) & ~uint64_t{0xfff};
    bias_ = object_->bias(base_);
    read_dynamic<Class>();
    read_frame_information<Class>();
    return object_;
  }

  template <class Class>
  void read_segments() {
    const auto ehdr = take<typename Class::Ehdr>(header_, 0);
    if (ehdr.e_phentsize != sizeof(typename Class::Phdr)) return;
    for (size_t i = 0; i < ehdr.e_phnum; ++i) {
      const size_t at = size_t(ehdr.e_phoff) + i * sizeof(typename Class::Phdr);
      if (at + sizeof(typename Class::Phdr) > header_.size()) return;
      const auto p = take<typename Class::Phdr>(header_, at);
      segments_.push_back({p.p_type, p.p_offset, p.p_vaddr, p.p_filesz});
    }
  }

  const Segment* segment(uint32_t type) const {
    const auto found = std::ranges::find(segments_, type, &Segment::type);
    return found == segments_.end() ? nullptr : &*found;
  }

  // As much as can be read, of at most `size` bytes. In pieces, so that an invented size costs
  // nothing.
  std::string bytes_at(uint64_t address, size_t size) const {
    constexpr size_t kPiece = 1 << 20;
    std::string out;
    while (out.size() < size) {
      const size_t old = out.size(), piece = std::min(kPiece, size - old);
      out.resize(old + piece);
      const size_t got = task_.read_memory(bias_ + address + old, out.data() + old, piece);
      if (got == piece) continue;
      out.resize(old + got);
      break;
    }
    return out;
  }

  std::string string_at(uint64_t address) const {
    std::string text = bytes_at(address, kMostName);
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
  }

  // glibc's loader adds the bias to the pointers of the dynamic section in memory, musl's does
  // not, and the vdso's stay as they are.
  uint64_t own_address(uint64_t value) const {
    return bias_ != 0 && value >= bias_ ? value - bias_ : value;
  }

  template <class Class>
  void read_dynamic() {
    using Dyn = typename Class::Dyn;
    const Segment* dynamic = segment(PT_DYNAMIC);
    if (dynamic == nullptr) return;
    const std::string raw = bytes_at(
        dynamic->address, std::min(size_t(dynamic->file_size), kMostDynamic * sizeof(Dyn)));
    std::map<int64_t, uint64_t> tags;
    for (size_t at = 0; at + sizeof(Dyn) <= raw.size(); at += sizeof(Dyn)) {
      const auto entry = take<Dyn>(raw, at);
      if (entry.d_tag == DT_NULL) break;
      tags.emplace(entry.d_tag, entry.d_un.d_val);
    }
    if (!tags.contains(DT_STRTAB) || !tags.contains(DT_SYMTAB)) return;
    strings_ = own_address(tags[DT_STRTAB]);
    symbols_ = own_address(tags[DT_SYMTAB]);
    if (tags.contains(DT_PLTGOT)) object_->plt_got_ = own_address(tags[DT_PLTGOT]);
    if (tags.contains(DT_SONAME)) object_->soname_ = string_at(strings_ + tags[DT_SONAME]);
    object_->c_library_ = is_c_library(object_->soname_);
    // Nobody asks what the C library itself calls.
    if (object_->c_library_) return;
    read_relocations<Class, typename Class::Rela>(tags[DT_RELA], tags[DT_RELASZ]);
    read_relocations<Class, typename Class::Rel>(tags[DT_REL], tags[DT_RELSZ]);
    if (tags[DT_PLTREL] == DT_RELA)
      read_relocations<Class, typename Class::Rela>(tags[DT_JMPREL], tags[DT_PLTRELSZ]);
    else
      read_relocations<Class, typename Class::Rel>(tags[DT_JMPREL], tags[DT_PLTRELSZ]);
    name_slots<Class>(tags[DT_STRSZ]);
  }

  template <class Class, class Relocation>
  void read_relocations(uint64_t table, uint64_t size) {
    if (size == 0) return;
    const std::string raw = bytes_at(own_address(table), std::min(size_t(size), kMostTable));
    for (size_t at = 0; at + sizeof(Relocation) <= raw.size(); at += sizeof(Relocation)) {
      const auto r = take<Relocation>(raw, at);
      const uint64_t symbol = Class::symbol(r.r_info);
      if (symbol != 0 && holds_symbol_address(Class::type(r.r_info)))
        found_.push_back({r.r_offset, symbol});
    }
  }

  template <class Class>
  void name_slots(uint64_t strings_size) {
    using Sym = typename Class::Sym;
    // Nothing says how many symbols there are; linkers put the strings somewhere behind them. What
    // lies between is taken for symbols too: it can only make exports_opener() a needless yes.
    uint64_t count = strings_ > symbols_ ? (strings_ - symbols_) / sizeof(Sym) : 0;
    for (const Found& f : found_) count = std::max(count, f.symbol + 1);
    const std::string symbols =
        bytes_at(symbols_, std::min<size_t>(size_t(count) * sizeof(Sym), kMostTable));
    const std::string strings = bytes_at(strings_, std::min(size_t(strings_size), kMostTable));
    object_->exports_opener_ = strings_ < symbols_;
    for (size_t at = sizeof(Sym); at + sizeof(Sym) <= symbols.size(); at += sizeof(Sym)) {
      const auto symbol = take<Sym>(symbols, at);
      if (object_->exports_opener_ || symbol.st_shndx == SHN_UNDEF) continue;
      object_->exports_opener_ = opens_for_its_caller(name_in(strings, symbol.st_name));
    }
    object_->slots_.reserve(found_.size());
    for (const Found& f : found_) {
      const auto name = take<Sym>(symbols, size_t(f.symbol) * sizeof(Sym)).st_name;
      const bool opens = opens_for_its_caller(name_in(strings, name));
      object_->names_opener_ |= opens;
      object_->slots_.push_back({f.address, opens});
    }
    object_->memory_ += found_.size() * sizeof(Object::Slot);
    std::ranges::sort(object_->slots_, {}, &Object::Slot::address);
  }

  static std::string_view name_in(const std::string& strings, size_t at) {
    if (at >= strings.size()) return {};
    const auto rest = std::string_view(strings).substr(at, kMostName);
    return rest.substr(0, rest.find('\0'));
  }

  // Where .eh_frame is, only .eh_frame_hdr tells: a pointer behind four bytes of encodings (LSB,
  // "Exception Frames"). All that binutils, gold, lld and mold write are relative to its own place.
  std::optional<uint64_t> frames_address(uint64_t header_address, std::string_view header) const {
    constexpr char kPcRelative4 = 0x1b;  // DW_EH_PE_pcrel | DW_EH_PE_sdata4
    if (header.size() < 8 || header[0] != 1 || header[1] != kPcRelative4) return std::nullopt;
    return header_address + 4 + uint64_t(int64_t(take<int32_t>(header, 4)));
  }

  // Builds the smallest file image in which libdw finds the frame information by itself: a header,
  // one program header, an .eh_frame_hdr without a search table (whose entries could point
  // anywhere) and the records of .eh_frame.
  template <class Class>
  void read_frame_information() {
    using Ehdr = typename Class::Ehdr;
    using Phdr = typename Class::Phdr;
    const Segment* header = segment(PT_GNU_EH_FRAME);
    if (header == nullptr) return;
    const auto frames = frames_address(header->address, bytes_at(header->address, 8));
    const auto load = std::ranges::find_if(segments_, [&](const Segment& s) {
      return s.type == PT_LOAD && frames && *frames - s.address < s.file_size;
    });
    constexpr std::string_view kHeader("\1\x1b\xff\xff\4\0\0\0", 8);
    if (load == segments_.end() || *frames < kHeader.size()) return;
    const uint64_t size = load->file_size - (*frames - load->address);
    const std::string records = bytes_at(*frames, std::min<size_t>(size, kMostFrameInfo));

    auto ehdr = take<Ehdr>(header_, 0);
    ehdr.e_shoff = 0;
    ehdr.e_shnum = ehdr.e_shstrndx = 0;
    ehdr.e_phoff = sizeof(Ehdr);
    ehdr.e_phnum = 1;
    Phdr phdr{};
    using Word = decltype(phdr.p_vaddr);
    phdr.p_type = PT_GNU_EH_FRAME;
    phdr.p_offset = sizeof(Ehdr) + sizeof(Phdr);
    phdr.p_vaddr = phdr.p_paddr = Word(*frames - kHeader.size());
    phdr.p_filesz = phdr.p_memsz = Word(kHeader.size());
    std::string image;
    append(image, ehdr);
    append(image, phdr);
    image += kHeader;
    image += sane_records(records);
    image.append(4, '\0');                 // ends the records
    object_->memory_ += 4 * image.size();  // libdw's index of it is the larger part
    object_->cfi_ = Cfi::create(std::move(image));
  }

  struct Found {
    uint64_t address = 0, symbol = 0;
  };

  TaskView& task_;
  uint64_t base_, bias_ = 0;
  std::string_view header_;
  std::vector<Segment> segments_;
  uint64_t strings_ = 0, symbols_ = 0;
  std::vector<Found> found_;
  std::shared_ptr<Object> object_ = std::make_shared<Object>();
};

std::shared_ptr<const Object> Object::read(TaskView& task, uint64_t base, std::string_view header) {
  return ObjectReader(task, base, header).read();
}

const Object::Slot* Object::slot(uint64_t address) const {
  const auto found = std::ranges::lower_bound(slots_, address, {}, &Slot::address);
  return found != slots_.end() && found->address == address ? &*found : nullptr;
}

}  // namespace fptrace::unwind
