#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fptrace {

// Which programs a loader can run: files of another kind are passed over in a search.
struct ElfKind {
  bool is_64 = true;
  bool little_endian = true;
  uint16_t machine = 0;  // EM_*
  uint32_t flags = 0;    // e_flags: tells the ABIs of ARM, MIPS and RISC-V apart
  bool operator==(const ElfKind&) const = default;
};

// What is compiled into one dynamic loader, and what it makes of the processor.
struct LoaderSetup {
  bool musl = false;
  std::vector<std::string> default_directories;  // absolute, no slash at the end
  std::string lib;                               // $LIB
  // What $PLATFORM may be, and AT_PLATFORM; one where the machine is known, several where not.
  std::vector<std::string> platforms;
  // Names in glibc-hwcaps/, best first.
  std::vector<std::string> hwcaps;
  // LdCacheEntry::flags of libraries it takes; nullopt: not known for this machine.
  std::optional<uint32_t> cache_flags;
  std::string path_file;  // musl: "/etc/ld-musl-x86_64.path"
};

// Pure. The default directories that glibc's loader has in its image, in order; empty when they
// cannot be told. Distributions differ, and so do the two loaders of one system (/usr/lib32).
std::vector<std::string> loader_directories(std::string_view image);

// The names in glibc-hwcaps/ that a processor with these flags ("flags" of /proc/cpuinfo) uses,
// best first. Only x86-64 has any that matter here.
std::vector<std::string> x86_hwcaps(std::string_view cpuinfo);
// All there are: for a machine that is not this one.
std::vector<std::string> all_hwcaps(const ElfKind& kind);
// Everything that $PLATFORM has been on machines of this kind.
std::vector<std::string> all_platforms(const ElfKind& kind);

// The setup of the loader `interpreter` ("/lib64/ld-linux-x86-64.so.2") for files of `kind`.
// `directories` from loader_directories(); empty: those that Debian, or else upstream, would use.
// `hwcaps` as above.
LoaderSetup loader_setup(const ElfKind& kind, const std::string& interpreter,
                         std::vector<std::string> directories, std::vector<std::string> hwcaps);

}  // namespace fptrace
