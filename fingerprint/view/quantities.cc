#include "fingerprint/view/quantities.h"

#include <iomanip>
#include <iterator>
#include <sstream>

namespace fptrace {

std::string plural(uint64_t n, const std::string& one, const std::string& many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

std::string seconds(uint64_t ns) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(ns < 10'000'000'000 ? 2 : 1) << double(ns) / 1e9 << " s";
  return out.str();
}

std::string byte_count(uint64_t n) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = double(n);
  size_t unit = 0;
  for (; value >= 999.5 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  std::ostringstream out;
  out << std::fixed << std::setprecision(unit == 0 || value >= 99.5 ? 0 : 1) << value << " "
      << kUnits[unit];
  return out.str();
}

}  // namespace fptrace
