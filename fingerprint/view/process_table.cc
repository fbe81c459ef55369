#include "fingerprint/view/process_table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include "common/base/text.h"


namespace fptrace {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kColumns = 8, kNumbers = 5;  // the first ones, which stand to the right
using Cells = std::array<std::string, kColumns>;

std::string seconds(uint64_t ns) {
  char text[32];
  std::snprintf(text, sizeof text, "%llu.%03llu",
                static_cast<unsigned long long>(ns / 1'000'000'000),
                static_cast<unsigned long long>(ns / 1'000'000 % 1000));
  return text;
}

// What has blanks in it, or nothing at all, is put into quotes: so arguments can be told apart.
std::string argument(const std::string& bytes, const TextStyle& style) {
  const std::string text = shown(bytes, style);
  return text.empty() || text.find(' ') != text.npos ? "'" + text + "'" : text;
}

std::string command(const ProcessRow& row, const TextStyle& style) {
  std::string out;
  for (const std::string& arg : row.argv) (out += out.empty() ? "" : " ") += argument(arg, style);
  if (out.empty()) out = "[" + shown(row.comm, style) + "]";
  if (row.ended) out += " <defunct>";
  return out;
}

Cells cells(const ProcessRow& row, const TextStyle& style) {
  return {std::to_string(row.pid), std::to_string(row.parent), std::to_string(row.threads),
          std::to_string(row.uid), seconds(row.start_ns),      shown(row.comm, style),
          shown(row.exe, style),   command(row, style)};
}

std::string line(const Cells& row, const std::array<size_t, kColumns>& widths,
                 const TextStyle& style) {
  std::string out;
  for (size_t i = 0; i < kColumns; ++i) {
    if (i != 0) out += "  ";
    const std::string blanks(widths[i] - std::min(widths[i], columns(row[i])), ' ');
    out += i < kNumbers ? blanks + row[i] : row[i] + blanks;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return (style.width > 0 ? cut(out, style.width, style) : out) + "\n";
}

void put(Json& to, const std::string& key, const std::string& bytes) {
  to[key] = readable(bytes);
  if (!is_utf8(bytes)) to[key + "_bytes"] = to_base64(bytes);
}

Json encode(const ProcessRow& row) {
  Json j;
  j["pid"] = row.pid;
  j["ppid"] = row.parent;
  j["threads"] = row.threads;
  j["uid"] = row.uid;
  j["start_ns"] = row.start_ns;
  put(j, "comm", row.comm);
  if (!row.exe.empty()) put(j, "exe", row.exe);
  j["argv"] = Json::array();
  for (const std::string& arg : row.argv) j["argv"].push_back(readable(arg));
  if (!std::ranges::all_of(row.argv, is_utf8)) {
    for (const std::string& arg : row.argv)
      j["argv_bytes"].push_back(is_utf8(arg) ? Json() : Json(to_base64(arg)));
  }
  if (row.kernel_thread) j["kernel_thread"] = true;
  if (row.ended) j["ended"] = true;
  return j;
}

}  // namespace

std::string process_table_text(const std::vector<ProcessRow>& rows, const TextStyle& style) {
  std::vector<Cells> table{
      {"PID", "PPID", "THREADS", "UID", "START", "NAME", "PROGRAM", "COMMAND"}};
  for (const ProcessRow& row : rows) table.push_back(cells(row, style));
  std::array<size_t, kColumns> widths{};
  for (const Cells& row : table)
    for (size_t i = 0; i + 1 < kColumns; ++i) widths[i] = std::max(widths[i], columns(row[i]));
  std::string out;
  for (const Cells& row : table) out += line(row, widths, style);
  return out;
}

std::string process_table_json(const std::vector<ProcessRow>& rows) {
  std::string out;
  for (const ProcessRow& row : rows) out += encode(row).dump() + "\n";
  return out;
}

}  // namespace fptrace
