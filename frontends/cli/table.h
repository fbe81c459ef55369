#pragma once
#include <ostream>
#include <string>
#include <vector>

namespace fptrace::cli {

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

// Display columns, near enough: one for each UTF-8 character.
size_t columns(std::string_view text);
// "3 files", "1 file".
std::string plural(uint64_t n, const std::string& one, const std::string& many);
// "12.3 MB".
std::string byte_count(uint64_t n);

}  // namespace fptrace::cli
