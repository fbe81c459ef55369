#pragma once
#include <elf.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fptrace::test {

// Writes the few parts of an ELF file that say who it is, in any class and byte order, without
// section headers. Everything is in one PT_LOAD at address 0x10000.
class ElfImage {
 public:
  ElfImage(bool is_64, bool little_endian) : is_64_(is_64), little_(little_endian) {
    strings_.push_back('\0');
  }
  std::string soname, interpreter, rpath, runpath;
  std::vector<std::string> needed;
  std::vector<std::pair<std::string, std::vector<std::string>>> versions_needed;
  std::vector<std::string> versions_defined;  // the first is the base
  std::string build_id;                       // bytes
  std::string package_note;
  uint16_t machine = EM_X86_64;

  static constexpr uint64_t kBase = 0x10000;

  std::string build() {
    const size_t phdrs = 5;
    const size_t head = (is_64_ ? 64 : 52) + phdrs * (is_64_ ? 56 : 32);
    body_.clear();
    at_ = head;
    const Part interp = add(interpreter.empty() ? "" : interpreter + '\0');
    const Part notes =
        add(note("GNU", NT_GNU_BUILD_ID, build_id) + note("FDO", 0xcafe1a7e, package_note));
    const Part verneed = add(verneed_table());
    const Part verdef = add(verdef_table());
    const Part dynamic = add(dynamic_table(verneed, verdef, /*strtab=*/0));
    const Part strtab = add(strings_);
    // The string table's place is known only now, so the segment before it is written again.
    body_.replace(dynamic.offset - head, dynamic.size,
                  dynamic_table(verneed, verdef, strtab.offset));
    std::string out = header(phdrs);
    const size_t total = head + body_.size();
    out += segment(PT_LOAD, {0, total}, 4096);
    out += segment(interp.size ? PT_INTERP : PT_NULL, interp, 1);
    out += segment(notes.size ? PT_NOTE : PT_NULL, notes, 4);
    out += segment(PT_DYNAMIC, dynamic, 8);
    out += segment(PT_NULL, {0, 0}, 1);
    return out + body_;
  }

 private:
  struct Part {
    size_t offset, size;
  };
  std::string number(uint64_t v, int bytes) const {
    std::string s;
    for (int i = 0; i < bytes; ++i) s.push_back(char(v >> (8 * i)));
    if (!little_) std::reverse(s.begin(), s.end());
    return s;
  }
  std::string word(uint64_t v) const { return number(v, is_64_ ? 8 : 4); }
  size_t intern(const std::string& s) {
    const size_t known = strings_.find(s + '\0');
    if (known != strings_.npos) return known;
    const size_t at = strings_.size();
    strings_ += s + '\0';
    return at;
  }
  Part add(std::string data) {
    while (at_ % 8 != 0) {
      body_.push_back('\0');
      ++at_;
    }
    const Part part{at_, data.size()};
    at_ += data.size();
    body_ += data;
    return part;
  }
  std::string note(std::string owner, uint32_t type, const std::string& desc) const {
    if (desc.empty()) return "";
    owner += '\0';
    std::string s =
        number(owner.size(), 4) + number(desc.size(), 4) + number(type, 4) + owner + desc;
    s.resize((s.size() + 3) / 4 * 4, '\0');
    return s;
  }
  std::string verneed_table() {
    std::string s;
    for (size_t i = 0; i < versions_needed.size(); ++i) {
      const auto& [file, versions] = versions_needed[i];
      const size_t next = i + 1 < versions_needed.size() ? 16 + 16 * versions.size() : 0;
      s += number(1, 2) + number(versions.size(), 2) + number(intern(file), 4) + number(16, 4) +
           number(next, 4);
      for (size_t j = 0; j < versions.size(); ++j) {
        s += number(0, 4) + number(0, 2) + number(j + 2, 2) + number(intern(versions[j]), 4) +
             number(j + 1 < versions.size() ? 16 : 0, 4);
      }
    }
    return s;
  }
  std::string verdef_table() {
    std::string s;
    for (size_t i = 0; i < versions_defined.size(); ++i) {
      s += number(1, 2) + number(i == 0 ? VER_FLG_BASE : 0, 2) + number(i + 1, 2) + number(1, 2) +
           number(0, 4) + number(20, 4) + number(i + 1 < versions_defined.size() ? 28 : 0, 4);
      s += number(intern(versions_defined[i]), 4) + number(0, 4);
    }
    return s;
  }
  std::string dynamic_table(Part verneed, Part verdef, size_t strtab) {
    std::string s;
    const auto entry = [&](uint64_t tag, uint64_t value) { s += word(tag) + word(value); };
    for (const std::string& n : needed) entry(DT_NEEDED, intern(n));
    if (!soname.empty()) entry(DT_SONAME, intern(soname));
    if (!rpath.empty()) entry(DT_RPATH, intern(rpath));
    if (!runpath.empty()) entry(DT_RUNPATH, intern(runpath));
    if (verneed.size != 0) {
      entry(DT_VERNEED, kBase + verneed.offset);
      entry(DT_VERNEEDNUM, versions_needed.size());
    }
    if (verdef.size != 0) {
      entry(DT_VERDEF, kBase + verdef.offset);
      entry(DT_VERDEFNUM, versions_defined.size());
    }
    entry(DT_STRTAB, kBase + strtab);
    entry(DT_STRSZ, strings_.size());
    entry(DT_NULL, 0);
    return s;
  }
  std::string segment(uint32_t type, Part part, uint64_t align) const {
    const std::string address = word(kBase + part.offset);
    const std::string rest = word(part.size) + word(part.size);
    if (is_64_) {
      return number(type, 4) + number(4, 4) + word(part.offset) + address + address + rest +
             word(align);
    }
    return number(type, 4) + word(part.offset) + address + address + rest + number(4, 4) +
           word(align);
  }
  std::string header(size_t phdrs) const {
    std::string s = "\177ELF";
    s += char(is_64_ ? ELFCLASS64 : ELFCLASS32);
    s += char(little_ ? ELFDATA2LSB : ELFDATA2MSB);
    s += char(EV_CURRENT);
    s.resize(EI_NIDENT, '\0');
    s += number(ET_DYN, 2) + number(machine, 2) + number(1, 4) + word(0);
    s += word(is_64_ ? 64 : 52) + word(0) + number(0, 4);
    s += number(is_64_ ? 64 : 52, 2) + number(is_64_ ? 56 : 32, 2) + number(phdrs, 2);
    s += number(is_64_ ? 64 : 40, 2) + number(0, 2) + number(0, 2);
    return s;
  }

  bool is_64_, little_;
  std::string strings_, body_;
  size_t at_ = 0;
};

}  // namespace fptrace::test
