#pragma once
#include <fstream>
#include <string>
#include <string_view>

#include "frontends/cli/subcommand.h"

namespace fptrace::cli {

// Where a report goes piece by piece: to standard output, or to a file that appears under its name
// only when it is whole.
class ReportFile {
 public:
  // `path`: empty for standard output. Nothing is made before the first piece.
  explicit ReportFile(std::string path) : path_(std::move(path)) {}
  ~ReportFile();
  ReportFile(const ReportFile&) = delete;
  ReportFile& operator=(const ReportFile&) = delete;

  bool to_standard_output() const { return path_.empty(); }
  Result<void> add(const Context& ctx, std::string_view piece);
  Result<void> finish(const Context& ctx);

 private:
  Result<void> open();

  std::string path_, temporary_;
  std::ofstream file_;
};

}  // namespace fptrace::cli
