#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fptrace {

// One line of `ldconfig -p`.
struct LdCacheEntry {
  std::string name;  // what DT_NEEDED or dlopen() ask for
  std::string path;
  uint32_t flags = 0;  // kind of library and ABI: LoaderSetup::cache_flags
  // Subdirectory of glibc-hwcaps that the library is for ("x86-64-v3"), or empty.
  std::string hwcaps;
  // Bits of AT_HWCAP that the library asks for, from before glibc 2.33; 0 nowadays.
  uint64_t legacy_hwcap = 0;
  bool operator==(const LdCacheEntry&) const = default;
};

// Pure. /etc/ld.so.cache in the format of glibc 2.2 and later ("glibc-ld.so.cache1.1"), alone or
// behind the one of libc5 ("ld.so-1.7.0"), which is read where there is nothing else. Either byte
// order. Entries in the file's order, which is the order of preference among equal names.
// kParse: not a cache, cut short, or an offset that leads out of it.
Result<std::vector<LdCacheEntry>> parse_ld_cache(std::string_view bytes);

}  // namespace fptrace
