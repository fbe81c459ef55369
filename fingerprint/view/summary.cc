#include "fingerprint/view/summary.h"

#include <algorithm>
#include <cstring>
#include <iomanip>
#include <sstream>

#include "common/base/text.h"
#include "fingerprint/view/columns.h"
#include "fingerprint/view/quantities.h"

namespace fptrace {
namespace {

constexpr size_t kLabel = 12;  // columns of the left margin, with its two blanks

std::string cut(const std::string& s, size_t width) {
  if (width == 0 || columns(s) <= width) return s;
  size_t end = 0;
  for (size_t seen = 0; end < s.size(); ++end) {
    if ((s[end] & 0xc0) != 0x80 && seen++ + 3 == width) break;
  }
  return s.substr(0, end) + "...";
}

// "LABEL  count: name, name, +3": as many whole names as fit the line.
class Page {
 public:
  explicit Page(size_t width) : width_(width) {}
  void line(const std::string& text) { out_ += cut(text, width_) + "\n"; }
  void row(const std::string& label, const std::string& figures,
           const std::vector<std::string>& names) {
    std::string text = "  " + label + std::string(kLabel - label.size(), ' ') + figures;
    const std::string separators[] = {": ", ", "};
    size_t shown = 0;
    for (; shown < names.size() && shown < kMaxNames; ++shown) {
      const std::string next = separators[shown > 0] + printable(names[shown]);
      const size_t left = names.size() - shown - 1;
      const size_t more = left > 0 ? 3 + std::to_string(left).size() : 0;
      if (width_ != 0 && columns(text) + columns(next) + more > width_) break;
      text += next;
    }
    if (shown > 0 && shown < names.size()) text += ", +" + std::to_string(names.size() - shown);
    line(text);
  }
  std::string take() { return std::move(out_); }

 private:
  static constexpr size_t kMaxNames = 12;
  size_t width_;
  std::string out_;
};

std::string ending(const Manifest& m) {
  if (!m.exit) return "trace cut short";
  if (m.exit->signal == 0) return "exit " + std::to_string(m.exit->code);
  const char* name = ::sigabbrev_np(m.exit->signal);
  return "killed by " +
         (name != nullptr ? "SIG" + std::string(name) : std::to_string(m.exit->signal));
}

std::vector<std::string> program_names(const RunStats& stats) {
  std::vector<std::pair<std::string, uint64_t>> programs(stats.programs.begin(),
                                                         stats.programs.end());
  std::stable_sort(programs.begin(), programs.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> names;
  for (const auto& [path, count] : programs) {
    const std::string name = path.substr(path.rfind('/') + 1);
    names.push_back(count == 1 ? name : name + " (" + std::to_string(count) + ")");
  }
  return names;
}

void library_row(const Manifest& m, Page& page) {
  uint64_t all = 0, dlopened = 0, preloaded = 0;
  std::vector<std::string> names;
  for (const ManifestFile& f : m.files) {
    if (!f.roles.has(Role::kLibrary)) continue;
    ++all;
    dlopened += f.linkage == Linkage::kDlopen;
    preloaded += f.linkage == Linkage::kPreload;
    names.push_back(f.path.substr(f.path.rfind('/') + 1));
  }
  std::string figures = std::to_string(all);
  if (dlopened > 0) figures += ", " + std::to_string(dlopened) + " by dlopen";
  if (preloaded > 0) figures += ", " + std::to_string(preloaded) + " preloaded";
  page.row("libraries", figures, names);
}

void read_rows(const Manifest& m, Page& page) {
  uint64_t files = 0, size = 0, unowned = 0, asked = 0, listed = 0;
  std::vector<std::string> names;  // without an owner: what is the user's own
  for (const ManifestFile& f : m.files) {
    const bool only_asked = f.roles == RoleSet{Role::kMetadata};
    asked += only_asked;
    listed += f.roles.has(Role::kDirectory);
    if (only_asked || f.type == FileType::kDirectory) continue;
    ++files;
    size += f.size.value_or(0);
    if (f.package || f.type != FileType::kRegular || !f.size) continue;
    ++unowned;
    names.push_back(f.path);
  }
  page.row("files read", std::to_string(files) + ", " + byte_count(size), {});
  if (!m.packages.empty()) {
    page.row("packages",
             std::to_string(m.packages.size()) + ", and " + plural(unowned, "file", "files") +
                 " of none",
             names);
  }
  page.row("looked at",
           plural(asked, "file", "files") + ", " + plural(listed, "directory", "directories") +
               " listed",
           {});
}

template <class List, class Name>
void list_row(const std::string& label, const List& list, Page& page, Name name) {
  std::vector<std::string> names;
  names.reserve(list.size());
  for (const auto& x : list) names.push_back(name(x));
  page.row(label, std::to_string(list.size()), names);
}

}  // namespace

std::string summary(const Manifest& m, const RunStats& stats, size_t width) {
  Page page(width);
  const std::string command = m.argv.empty() ? "" : printable(m.argv[0]) + ": ";
  page.line("fptrace: " + command + ending(m) + ", " + seconds(stats.duration_ns) + ", " +
            plural(stats.events, "event", "events"));
  page.row(
      "programs",
      plural(stats.execs, "run", "runs") + " in " + plural(stats.processes, "process", "processes"),
      program_names(stats));
  library_row(m, page);
  read_rows(m, page);
  std::vector<OutputFile> written = m.outputs;
  std::erase_if(written, [](const OutputFile& o) { return o.type == FileType::kDirectory; });
  list_row("written", written, page, [](const OutputFile& o) { return o.path; });
  if (stats.temporaries > 0) {
    page.row("temporary", plural(stats.temporaries, "file", "files") + ", gone at the end", {});
  }
  list_row("missing", m.missing, page, [](const MissingFile& f) { return f.path; });
  if (m.complete) {
    page.row("not covered", "nothing", {});
  } else {
    list_row("not covered", m.undecoded, page,
             [](const Undecoded& u) { return u.what + " (" + std::to_string(u.count) + ")"; });
  }
  return page.take();
}

}  // namespace fptrace
