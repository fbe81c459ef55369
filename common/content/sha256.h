#pragma once
#include "common/base/result.h"
#include "common/event/event.h"

namespace fptrace {

// SHA-256 of what can be read from `fd` between its start and its end; the descriptor's position
// is not used. Blocks for as long as the reading takes (about 2 GB/s from the page cache).
Result<Sha256> sha256_of(int fd);

}  // namespace fptrace
