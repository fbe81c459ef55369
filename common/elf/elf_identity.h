#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fptrace {

// Who an ELF file says it is and what it asks of others: all from program headers and the dynamic
// segment, as the loader sees it, so a file without section headers is as good as any.
struct ElfIdentity {
  bool is_64 = false;
  bool little_endian = true;
  uint16_t type = 0;     // ET_*
  uint16_t machine = 0;  // EM_*
  uint32_t flags = 0;    // e_flags
  std::string interpreter;
  bool dynamic = false;  // has a dynamic segment
  bool pie = false;      // DF_1_PIE: a program, though its type is that of a library
  std::string soname;
  std::vector<std::string> needed;  // DT_NEEDED, in order
  std::string rpath, runpath;       // as written: `:` between entries, $ORIGIN not replaced
  bool no_default = false;          // DF_1_NODEFLIB: not to be looked for in default directories
  // DT_AUXILIARY and DT_FILTER: libraries whose symbols it passes on; the former may be missing.
  std::vector<std::string> auxiliaries, filters;
  std::string build_id;  // lower-case hex
  // RPM spelling, sorted: "libc.so.6(GLIBC_2.34)(64bit)" for a symbol version, and
  // "libc.so.6()(64bit)" for a library as such. 32-bit files have no marker: "libc.so.6".
  std::vector<std::string> requires_;
  std::vector<std::string> provides;
  std::string package_note;               // JSON of the FDO packaging note, or empty
  std::vector<std::string> dlopen_notes;  // JSON of each FDO dlopen note
  bool operator==(const ElfIdentity&) const = default;
};

// Pure. kParse: not ELF, truncated, or a table points outside the file.
Result<ElfIdentity> parse_elf(std::string_view image);

// Reads only the headers and tables of `fd`, whatever the size of the file. A file that is cut
// short meanwhile is a kParse error, never a SIGBUS: nothing is mapped.
Result<ElfIdentity> read_elf(int fd);
Result<ElfIdentity> read_elf(const std::string& path);

}  // namespace fptrace
