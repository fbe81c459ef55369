#include "fingerprint/view/table.h"

#include <algorithm>

#include "fingerprint/view/columns.h"

namespace fptrace {

void Table::print(std::ostream& out, const std::string& indent, size_t widest) const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      const size_t width = columns(row[i]);
      if (width <= widest) widths[i] = std::max(widths[i], width);
    }
  }
  for (const auto& row : rows_) {
    std::string line = indent;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 == row.size()) break;
      const size_t width = columns(row[i]);
      line.append((width < widths[i] ? widths[i] - width : 0) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

}  // namespace fptrace
