#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fptrace::emu {

struct Module {
  std::string name;   // with underscores
  std::string bytes;  // the ELF file, not compressed
};

// The modules that `wanted` (and what they depend on) are made of in `directory`
// (/lib/modules/RELEASE), each after those it depends on. What is built into the kernel is not
// among them. Fails when the kernel has one neither as a module nor built in.
Result<std::vector<Module>> collect_modules(const std::string& directory,
                                            const std::vector<std::string>& wanted);

// Pure: the names a module's .modinfo says it depends on.
std::vector<std::string> module_dependencies(std::string_view elf);

// A file, decompressed if it is (xz, zstd, gzip). At most `most` bytes.
Result<std::string> read_decompressed(const std::string& path, size_t most);

}  // namespace fptrace::emu
