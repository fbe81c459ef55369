#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"

namespace fptrace::emu {

// With what they depend on: what a guest cannot do without (distributions differ in what is built
// in), and what its programs may ask for.
inline const std::vector<std::string> kNeededModules{"virtio_pci", "virtio_blk", "virtio_console",
                                                     "ext4"};
inline const std::vector<std::string> kUsefulModules{"overlay"};

struct Module {
  std::string name;   // with underscores
  std::string bytes;  // the ELF file, not compressed
};

// The modules that `wanted` (and what they depend on) are made of in `directory`
// (/lib/modules/RELEASE), each after those it depends on. What is built into the kernel is not
// among them. Fails when the kernel has one neither as a module nor built in; those of `useful` are
// taken where there are modules of that name.
Result<std::vector<Module>> collect_modules(const std::string& directory,
                                            const std::vector<std::string>& wanted,
                                            const std::vector<std::string>& useful = {});

// Pure: the names a module's .modinfo says it depends on.
std::vector<std::string> module_dependencies(std::string_view elf);

// A file, decompressed if it is (xz, zstd, gzip). At most `most` bytes.
Result<std::string> read_decompressed(const std::string& path, size_t most);

}  // namespace fptrace::emu
