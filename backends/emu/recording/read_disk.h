#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/emu/guest/disk_range.h"
#include "common/base/result.h"

namespace fptrace::emu {

// Pure: from what `qemu-img map --output=json` says of an overlay, the pieces that it has itself,
// in order.
Result<std::vector<DiskRange>> parse_overlay_map(std::string_view json);

// Takes out of a guest's disk what no run that does the same will ask for: the files that it never
// read. `contents` is the disk as it was, `overlay` what lay over it, into which everything was
// copied that the guest read (copy-on-read) or wrote. Of a file that was read at all everything is
// kept, so that its content can be told.
Result<void> keep_what_was_read(const std::string& contents, const std::string& overlay);

}  // namespace fptrace::emu
