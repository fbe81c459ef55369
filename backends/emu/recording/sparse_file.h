#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fptrace::emu {

// A compressed stream (zstd) of a file, without its holes: for each piece of data offset and length
// (8 bytes each, little endian) and its bytes; an offset of ~0 ends it.
using ByteSink = std::function<Result<void>(std::string_view bytes)>;
using ByteSource = std::function<Result<size_t>(char* out, size_t size)>;  // 0: the end

Result<void> pack_sparse(int fd, const ByteSink& sink);
// Into the new, empty file `fd`, which gets `size` bytes. The stream is not trusted.
Result<void> unpack_sparse(const ByteSource& source, int fd, uint64_t size);

}  // namespace fptrace::emu
