#include "fingerprint/view/process_table.h"

#include <sstream>

#include "common/base/json_text.h"
#include "fingerprint/view/quantities.h"
#include "fingerprint/view/table.h"

namespace fptrace {
namespace {

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

Json encode(const ProcessRow& row) {
  Json j;
  j["pid"] = row.pid;
  j["ppid"] = row.parent;
  j["threads"] = row.threads;
  j["uid"] = row.uid;
  j["state"] = std::string(1, row.state);
  j["start_ns"] = row.start_ns;
  put(j, "comm", row.comm);
  put_nonempty(j, "exe", row.exe);
  put_nonempty(j, "cwd", row.cwd);
  put(j, "argv", row.argv);
  if (row.kernel_thread) j["kernel_thread"] = true;
  if (row.ended) j["ended"] = true;
  for (const ThreadRow& thread : row.thread_rows) {
    Json t;
    t["tid"] = thread.tid;
    t["state"] = std::string(1, thread.state);
    t["start_ns"] = thread.start_ns;
    put(t, "comm", thread.comm);
    j["thread_list"].push_back(std::move(t));
  }
  return j;
}

}  // namespace

std::string process_table_text(const std::vector<ProcessRow>& rows, const TextStyle& style) {
  Table table;
  table.add({"PID", "PPID", "THREADS", "UID", "S", "START", "NAME", "PROGRAM", "COMMAND"});
  for (const ProcessRow& row : rows) {
    table.add({std::to_string(row.pid), std::to_string(row.parent), std::to_string(row.threads),
               std::to_string(row.uid), std::string(1, row.state), seconds(row.start_ns),
               shown(row.comm, style), shown(row.exe, style), command(row, style)});
    for (const ThreadRow& t : row.thread_rows)
      table.add({" " + std::to_string(t.tid), std::to_string(row.pid), "", "",
                 std::string(1, t.state), seconds(t.start_ns), shown(t.comm, style), "", ""});
  }
  std::stringstream lines;
  table.print(lines);
  if (style.width == 0) return lines.str();
  std::string out;
  for (std::string line; std::getline(lines, line);) out += cut(line, style.width, style) + "\n";
  return out;
}

std::string process_table_json(const std::vector<ProcessRow>& rows) {
  std::string out;
  for (const ProcessRow& row : rows) out += encode(row).dump() + "\n";
  return out;
}

}  // namespace fptrace
