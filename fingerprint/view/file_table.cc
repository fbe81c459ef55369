#include "fingerprint/view/file_table.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>

#include "common/base/json_text.h"
#include "common/base/text.h"

namespace fptrace {
namespace {

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

bool matches(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool matches_path(const std::string& pattern, const std::string& path) {
  if (matches(pattern, path)) return true;
  return pattern.find('/') == pattern.npos && matches(pattern, base_name(path));
}

FileRow row_of(const ManifestFile& f) {
  FileRow row{
      FileRow::Kind::kInput, f.type, f.roles, "", f.linkage, f.size, f.path, {}, f.opened_by};
  if (f.package) row.packages.push_back(*f.package);
  row.packages.insert(row.packages.end(), f.other_packages.begin(), f.other_packages.end());
  return row;
}

bool wanted(const FileRow& row, const FileQuery& q) {
  const bool role = q.roles.empty() || std::any_of(q.roles.begin(), q.roles.end(),
                                                   [&](Role r) { return row.roles.has(r); });
  const bool program =
      q.program.empty() || std::any_of(row.programs.begin(), row.programs.end(),
                                       [&](const auto& p) { return matches_path(q.program, p); });
  const bool package =
      q.package.empty() || std::any_of(row.packages.begin(), row.packages.end(),
                                       [&](const auto& p) { return matches(q.package, p.name); });
  return role && program && package;
}

std::string what(const FileRow& row) {
  if (row.kind == FileRow::Kind::kMissing) return row.error.empty() ? "missing" : row.error;
  if (row.kind == FileRow::Kind::kOutput) {
    return row.type == FileType::kRegular ? "output" : "output " + std::string(to_string(row.type));
  }
  std::string out;
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (!row.roles.has(Role(i))) continue;
    (out += out.empty() ? "" : ",") += kRoleNames[i];
  }
  return out;
}

constexpr size_t kColumns = 6, kSize = 2, kPath = 3, kPrograms = 5;
using Cells = std::array<std::string, kColumns>;

Cells cells(const FileRow& row, const TextStyle& style) {
  std::string packages, programs;
  for (const Package& p : row.packages) {
    (packages += packages.empty() ? "" : ",") += shown(p.name, style);
  }
  for (const std::string& p : row.programs) {
    (programs += programs.empty() ? "" : ",") += shown(base_name(p), style);
  }
  return {shown(what(row), style),
          std::string(to_string(row.linkage)),
          row.size ? std::to_string(*row.size) : "",
          shown(row.path, style),
          packages,
          programs};
}

// Takes what is over the width from the programs first, down to a least width, then from the paths.
void fit(std::array<size_t, kColumns>& widths, size_t width) {
  constexpr size_t kLeastPrograms = 10, kLeastPath = 20;
  size_t sum = 2 * (kColumns - 1);
  for (const size_t w : widths) sum += w;
  for (const auto& [column, least] :
       {std::pair{kPrograms, kLeastPrograms}, std::pair{kPath, kLeastPath}}) {
    if (sum <= width || widths[column] <= least) continue;
    const size_t take = std::min(sum - width, widths[column] - least);
    widths[column] -= take;
    sum -= take;
  }
}

std::string line(const Cells& row, const std::array<size_t, kColumns>& widths,
                 const TextStyle& style) {
  std::string out;
  for (size_t i = 0; i < kColumns; ++i) {
    if (widths[i] == 0) continue;  // nothing in the whole column
    if (!out.empty()) out += "  ";
    const std::string text =
        i == kPath ? cut_front(row[i], widths[i], style) : cut(row[i], widths[i], style);
    const std::string blanks(widths[i] - std::min(widths[i], columns(text)), ' ');
    out += i == kSize ? blanks + text : text + blanks;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return (style.width > 0 ? cut(out, style.width, style) : out) + "\n";
}

Json encode(const FileRow& row) {
  constexpr const char* kKinds[] = {"input", "missing", "output"};
  Json j;
  put(j, "path", row.path);
  j["kind"] = kKinds[size_t(row.kind)];
  if (row.type != FileType::kRegular) j["type"] = to_string(row.type);
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (row.roles.has(Role(i))) j["roles"].push_back(kRoleNames[i]);
  }
  if (!row.error.empty()) put(j, "errno", row.error);
  if (row.linkage != Linkage::kUnknown) j["linkage"] = to_string(row.linkage);
  if (row.size) j["size"] = *row.size;
  for (const Package& p : row.packages) {
    Json package;
    put(package, "manager", p.manager);
    put(package, "name", p.name);
    put(package, "version", p.version);
    put(package, "arch", p.arch);
    j["packages"].push_back(std::move(package));
  }
  for (const std::string& p : row.programs) j["programs"].push_back(readable(p));
  return j;
}

}  // namespace

std::vector<FileRow> select_files(const Manifest& m, const FileQuery& query) {
  std::vector<FileRow> rows;
  const auto add = [&](FileRow row) {
    if (wanted(row, query)) rows.push_back(std::move(row));
  };
  if (query.inputs) {
    for (const ManifestFile& f : m.files) add(row_of(f));
  }
  if (query.missing) {
    for (const MissingFile& f : m.missing) {
      FileRow row;
      row.kind = FileRow::Kind::kMissing;
      row.path = f.path;
      row.error = f.error;
      add(std::move(row));
    }
  }
  if (query.outputs) {
    for (const OutputFile& f : m.outputs) {
      FileRow row;
      row.kind = FileRow::Kind::kOutput;
      row.type = f.type;
      row.path = f.path;
      row.size = f.size;
      add(std::move(row));
    }
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const FileRow& a, const FileRow& b) { return a.path < b.path; });
  return rows;
}

std::string table_text(const std::vector<FileRow>& rows, const TextStyle& style) {
  const Cells head{"ROLE", "LINKAGE", "SIZE", "PATH", "PACKAGE", "PROGRAMS"};
  std::vector<Cells> table;
  std::array<size_t, kColumns> widths{};
  for (const FileRow& row : rows) {
    table.push_back(cells(row, style));
    for (size_t i = 0; i < kColumns; ++i) {
      widths[i] = std::max(widths[i], columns(table.back()[i]));
    }
  }
  widths[kPath] = std::max<size_t>(widths[kPath], 1);
  for (size_t i = 0; i < kColumns; ++i) {
    if (widths[i] > 0) widths[i] = std::max(widths[i], head[i].size());
  }
  if (style.width > 0) fit(widths, style.width);
  std::string out = line(head, widths, style);
  for (const Cells& row : table) out += line(row, widths, style);
  return out;
}

std::string table_json(const std::vector<FileRow>& rows) {
  std::string out = "{\"files\": [";
  const char* separator = "\n ";
  for (const FileRow& row : rows) {
    out += separator + encode(row).dump();
    separator = ",\n ";
  }
  return out + "\n]}\n";
}

}  // namespace fptrace
