// fuzz-deps: fptrace::loader
#include <string>

#include "common/elf/ld_cache.h"
#include "common/elf/ld_conf.h"
#include "common/elf/loader_search.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)fptrace::parse_ld_cache(text);
  (void)fptrace::parse_ld_conf(text);
  (void)fptrace::loader_directories(text);
  (void)fptrace::x86_hwcaps(text);
  // The same bytes as every text that the search itself takes apart.
  fptrace::LoaderEnvironment environment;
  environment.library_path = text;
  environment.secure = size % 2 != 0;
  const fptrace::LoaderSearch search(
      fptrace::loader_setup({true, true, 62, 0}, size % 3 == 0 ? "/lib/ld-musl-x86_64.so.1" : "",
                            {}, {"x86-64-v2"}),
      std::move(environment));
  fptrace::LinkObject main;
  main.path = "/a/b";
  main.origin = "/a";
  main.rpath = main.runpath = text;
  (void)search.walk("libx.so", main, main, [](const auto&) { return false; });
  return 0;
}
