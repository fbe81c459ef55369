#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "fingerprint/manifest.h"

// What the writers of both formats have in common.

namespace fptrace {

// "2026-01-31T12:00:00Z". `seconds` since the epoch, up to the year 9999.
inline constexpr uint64_t kLastSecond = 253'402'300'799;
std::string iso_time(uint64_t seconds);

// "ls -l /", with "\xNN" for what is not printable UTF-8.
std::string command_text(const Manifest& manifest);
// "complete", or "incomplete: io_uring_enter (3)": what the trace could not see.
std::string coverage_text(const Manifest& manifest);
std::vector<std::string> role_names(const ManifestFile& file);

}  // namespace fptrace
