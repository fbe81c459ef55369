#include "fingerprint/view/timeline_view.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/base/json_text.h"

namespace fptrace {
namespace {

using Row = Timeline::Row;

// The part of each of `count` equal pieces of the whole time that was the row's own, 0 to 1.
std::vector<double> shares(const Timeline& timeline, const Row& row, size_t count) {
  std::vector<double> out(count, 0.0);
  const uint64_t whole = timeline.end() - timeline.begin();
  if (whole == 0) return out;
  const double scale = double(count) / double(whole);
  for (const auto& span : row.spans) {
    const double begin = double(span.begin - timeline.begin()) * scale;
    const double end = double(span.end - timeline.begin()) * scale;
    for (size_t i = size_t(begin); i < count && double(i) < end; ++i)
      out[i] += std::min(end, double(i + 1)) - std::max(begin, double(i));
  }
  return out;
}

// What is there at all is seen. 0 (none) to `steps`.
size_t level(double share, size_t steps) {
  if (share <= 0) return 0;
  return std::min(steps, 1 + size_t(share * double(steps) * 0.999));
}

std::string name_of(const Row& row) {
  if (row.who.kind == Timeline::Kind::kIdle) return "(idle)";
  if (row.who.kind == Timeline::Kind::kKernel) return "(kernel)";
  std::string out;
  for (const auto& name : row.names) (out += out.empty() ? "" : ", ") += name;
  return out;
}
std::string number_of(const Row& row) {
  return row.who.kind == Timeline::Kind::kProcess ? std::to_string(row.who.pid) : "";
}

std::string format(const char* how, double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), how, value);
  return text.data();
}

std::string share_of(const Timeline& timeline, const Row& row) {
  const uint64_t whole = timeline.end() - timeline.begin();
  return format("%.1f %%", whole == 0 ? 0.0 : 100.0 * double(row.total) / double(whole));
}

// "1.5 M"
std::string instructions(uint64_t n) {
  if (n < 10'000) return std::to_string(n);
  if (n < 10'000'000) return format("%.0f k", double(n) / 1e3);
  return format("%.1f M", double(n) / 1e6);
}

std::string padded(std::string text, size_t width) {
  text.append(width - std::min(width, columns(text)), ' ');
  return text;
}

std::string strip(const Timeline& timeline, const Row& row, size_t width, bool ascii) {
  static constexpr std::array<const char*, 5> kShades = {" ", "░", "▒", "▓", "█"};
  static constexpr std::array<const char*, 5> kLetters = {" ", ".", "-", "+", "#"};
  std::string out;
  for (const double share : shares(timeline, row, width)) {
    const size_t l = level(share, kShades.size() - 1);
    out += ascii ? kLetters[l] : kShades[l];
  }
  return out;
}

constexpr size_t kWidestName = 24, kUsualWidth = 100, kNarrowest = 20;

// An axis below the strips: where they begin and end.
std::string axis(const Timeline& timeline, size_t width) {
  const std::string begin = instructions(timeline.begin());
  const std::string end = instructions(timeline.end()) + " instructions";
  const size_t used = begin.size() + end.size();
  return begin + std::string(width > used ? width - used : 1, ' ') + end;
}

}  // namespace

std::string timeline_text(const Timeline& timeline, const TextStyle& style) {
  const auto rows = timeline.rows();
  size_t pid_width = 3, name_width = 4;
  for (const Row& row : rows) {
    pid_width = std::max(pid_width, number_of(row).size());
    name_width = std::max(name_width, columns(shown(name_of(row), style)));
  }
  name_width = std::min(name_width, kWidestName);
  constexpr size_t kShare = 7;
  const size_t head = pid_width + 2 + name_width + 2 + kShare + 2;
  const size_t all = style.width == 0 ? kUsualWidth : style.width;
  const size_t width = all > head + kNarrowest ? all - head - 2 : kNarrowest;
  std::string out = padded("PID", pid_width + 2) + padded("NAME", name_width + 2) + "  SHARE\n";
  for (const Row& row : rows) {
    const std::string share = share_of(timeline, row);
    out += padded(number_of(row), pid_width + 2) +
           padded(cut(shown(name_of(row), style), name_width, style), name_width + 2) +
           std::string(kShare - std::min(kShare, share.size()), ' ') + share + " |" +
           strip(timeline, row, width, style.ascii) + "|\n";
  }
  return out + std::string(head, ' ') + axis(timeline, width) + "\n";
}

namespace {

constexpr int kLabel = 230, kChart = 900, kLine = 22, kTop = 46, kMargin = 14;

// Characters that XML cannot hold are not there any more in what is shown().
std::string xml(const std::string& bytes) {
  std::string out;
  for (const char c : shown(bytes, {})) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string text_at(int x, int y, const std::string& text, const std::string& more = "") {
  return "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\"" + more + ">" +
         xml(text) + "</text>\n";
}

std::string rectangle(int x, int y, int width, int height, const std::string& more) {
  return "<rect x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" width=\"" +
         std::to_string(width) + "\" height=\"" + std::to_string(height) + "\" " + more + "/>\n";
}

std::string colour(const Row& row, size_t number) {
  static constexpr std::array<const char*, 8> kColours = {
      "#3465a4", "#4e9a06", "#c17d11", "#75507b", "#cc0000", "#06989a", "#8f5902", "#ce5c00"};
  return row.who.kind == Timeline::Kind::kProcess ? kColours[number % kColours.size()] : "#888a85";
}

// Neighbours of one shade are one rectangle, so there are kChart at most.
std::string bars(const Timeline& timeline, const Row& row, int y, const std::string& fill) {
  constexpr size_t kSteps = 4;
  const auto parts = shares(timeline, row, kChart);
  std::string out;
  for (size_t i = 0; i < parts.size();) {
    const size_t shade = level(parts[i], kSteps);
    size_t end = i + 1;
    while (end < parts.size() && level(parts[end], kSteps) == shade) ++end;
    if (shade > 0)
      out += rectangle(kLabel + int(i), y + 3, int(end - i), kLine - 6,
                       "fill=\"" + fill + "\" fill-opacity=\"" +
                           format("%.2f", 0.25 + 0.75 * double(shade) / double(kSteps)) + "\"");
    i = end;
  }
  return out;
}

std::string grid(const Timeline& timeline, int bottom) {
  constexpr int kTicks = 6;
  std::string out;
  const uint64_t whole = timeline.end() - timeline.begin();
  for (int i = 0; i <= kTicks; ++i) {
    const int x = kLabel + kChart * i / kTicks;
    const std::string at = std::to_string(x);
    out += "<line x1=\"" + at + "\" y1=\"" + std::to_string(kTop) + "\" x2=\"" + at + "\" y2=\"" +
           std::to_string(bottom) + "\" stroke=\"#d3d7cf\"/>\n";
    const char* anchor = i == 0 ? "start" : i == kTicks ? "end" : "middle";
    out += text_at(x, bottom + 16, instructions(timeline.begin() + whole / kTicks * uint64_t(i)),
                   std::string(" text-anchor=\"") + anchor + "\" fill=\"#555753\"");
  }
  return out;
}

}  // namespace

std::string timeline_svg(const Timeline& timeline, const std::string& title) {
  const auto rows = timeline.rows();
  const int bottom = kTop + kLine * int(rows.size());
  const std::string width = std::to_string(kLabel + kChart + kMargin);
  const std::string height = std::to_string(bottom + 44);
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
      "width=\"" +
      width + "\" height=\"" + height + "\" viewBox=\"0 0 " + width + " " + height +
      "\" font-family=\"sans-serif\" font-size=\"12\">\n<title>" + xml(title) + "</title>\n";
  out += rectangle(0, 0, kLabel + kChart + kMargin, bottom + 44, "fill=\"white\"");
  out += text_at(kMargin, 26, cut(shown(title, {}), 120, {}), " font-size=\"15\"");
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    const int y = kTop + kLine * int(i);
    if (i % 2 == 0) out += rectangle(0, y, kLabel + kChart + kMargin, kLine, "fill=\"#f3f3f1\"");
    const std::string label = (number_of(row) + " " + name_of(row)).substr(0, 400);
    out += "<g><title>" + xml(label + ", " + share_of(timeline, row)) + "</title>\n";
    out += text_at(kMargin, y + 15, cut(shown(label, {}), 25, {}));
    out += text_at(kLabel - 8, y + 15, share_of(timeline, row),
                   " text-anchor=\"end\" fill=\"#555753\"");
    out += bars(timeline, row, y, colour(row, i)) + "</g>\n";
  }
  out += grid(timeline, bottom);
  return out +
         text_at(kLabel + kChart, bottom + 34, "instructions of the guest",
                 " text-anchor=\"end\" fill=\"#555753\"") +
         "</svg>\n";
}

std::string timeline_json(const Timeline& timeline) {
  static constexpr std::array<const char*, 3> kKinds = {"process", "kernel", "idle"};
  std::string out;
  for (const Row& row : timeline.rows()) {
    Json j;
    j["kind"] = kKinds[size_t(row.who.kind)];
    if (row.who.kind == Timeline::Kind::kProcess) {
      j["pid"] = row.who.pid;
      put(j, "names", row.names);
    }
    j["instructions"] = row.total;
    j["spans"] = Json::array();
    for (const auto& span : row.spans) j["spans"].push_back({span.begin, span.end});
    out += j.dump() + "\n";
  }
  return out;
}

}  // namespace fptrace
