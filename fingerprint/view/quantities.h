#pragma once
#include <cstdint>
#include <string>

// Numbers as a person reads them.

namespace fptrace {

// "3 files", "1 file".
std::string plural(uint64_t n, const std::string& one, const std::string& many);
// "12.3 MB": powers of 1000.
std::string byte_count(uint64_t n);
// "0.25 s"
std::string seconds(uint64_t ns);

}  // namespace fptrace
