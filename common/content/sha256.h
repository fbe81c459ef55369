#pragma once
#include <cstdint>
#include <functional>
#include <span>

#include "common/base/result.h"
#include "common/event/event.h"

namespace fptrace {

// SHA-256 of what can be read from `fd` between its start and its end; the descriptor's position
// is not used. Blocks for as long as the reading takes (about 2 GB/s from the page cache).
Result<Sha256> sha256_of(int fd);

// The same of whatever `read` copies from an offset; it returns how many bytes there were, 0 at the
// end.
Result<Sha256> sha256_of(
    const std::function<Result<size_t>(uint64_t offset, std::span<char>)>& read);

}  // namespace fptrace
