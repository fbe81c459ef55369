#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "common/base/result.h"

namespace fptrace {

// What the instructions of one ELF file are called: by its symbol tables, and by its line table
// where it has one. Not thread-safe.
class CodeNames {
 public:
  // Takes the file's whole content. kParse: no ELF file.
  static Result<CodeNames> read(std::string image);
  CodeNames(CodeNames&&) noexcept;
  CodeNames& operator=(CodeNames&&) noexcept;
  ~CodeNames();

  struct Name {
    std::string symbol;  // "main+0x1c"; empty: in none
    std::string source;  // as the compiler named the file; empty: no line is known
    uint32_t line = 0;
  };
  // Of the instruction at `offset` of the file.
  Name at(uint64_t offset) const;

 private:
  struct File;
  explicit CodeNames(std::unique_ptr<File> file);
  std::unique_ptr<File> file_;
};

}  // namespace fptrace
