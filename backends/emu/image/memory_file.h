#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fptrace::emu {

// A guest's memory as a file: as long as the memory is large, with holes where nothing is.

// Calls `take` for each run of pages that are not all zeros, in order.
using MemoryRun = std::function<Result<void>(uint64_t offset, std::string_view bytes)>;
Result<void> read_memory(const std::string& path, const MemoryRun& take);

// `to` is a new file, which others may read if the umask lets them: what runs in a guest later is
// not to be copied to where they can.
Result<void> copy_memory(const std::string& from, const std::string& to);

}  // namespace fptrace::emu
