#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/manifest.h"
#include "fingerprint/view/columns.h"

namespace fptrace {

// Which entries of a manifest to show. Patterns are those of glob(7); one without a slash is also
// held against the last part of a path.
struct FileQuery {
  bool inputs = true, missing = false, outputs = false;
  std::vector<Role> roles;  // any of them; empty: all
  std::string program;      // that opened it; empty: any
  std::string package;      // one of its owners; empty: any, and none
};

struct FileRow {
  enum class Kind : uint8_t { kInput, kMissing, kOutput } kind = Kind::kInput;
  FileType type = FileType::kRegular;
  RoleSet roles;      // of an input
  std::string error;  // of a missing file
  Linkage linkage = Linkage::kUnknown;
  std::optional<uint64_t> size;  // bytes
  std::string path;
  std::vector<Package> packages;
  std::vector<std::string> programs;  // that opened it, by path
};

// By path, then kind.
std::vector<FileRow> select_files(const Manifest& manifest, const FileQuery& query);

// A table with a headline. Where it is too wide, programs and then paths are shortened.
std::string table_text(const std::vector<FileRow>& rows, const TextStyle& style);
// One object a file.
std::string table_json(const std::vector<FileRow>& rows);

}  // namespace fptrace
