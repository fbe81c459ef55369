#pragma once
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "fingerprint/pack/plan.h"
#include "fingerprint/pack/writer.h"

namespace fptrace::pack {

// Reads the contents of a plan's entries and hands all entries to `writer`. Every file is read
// once, and hashed while it is; one that is not what the run read is an error that names it. A
// thread of its own reads and hashes, so that `writer` can compress meanwhile; it is called on the
// caller's thread only. `progress` gets the bytes done so far, now and then; may be null.
Result<void> write_entries(const std::vector<PackEntry>& entries, const std::string& root,
                           Writer& writer, const std::function<void(uint64_t)>& progress,
                           const std::stop_token& stop);

}  // namespace fptrace::pack
