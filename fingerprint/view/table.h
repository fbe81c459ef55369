#pragma once
#include <ostream>
#include <string>
#include <vector>

namespace fptrace {

// Rows with columns that line up; the last one is as long as it is, and so is a cell that is wider
// than `widest`: the rest of its row moves to the right.
class Table {
 public:
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  void print(std::ostream& out, const std::string& indent = "", size_t widest = 60) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace fptrace
