#include "fingerprint/view/taint_view.h"

#include <algorithm>
#include <sstream>

#include "common/base/text.h"
#include "common/event/taint_names.h"
#include "fingerprint/view/quantities.h"
#include "fingerprint/view/table.h"

namespace fptrace {
namespace {

using Bytes = TaintReport::Bytes;

constexpr size_t kMostRanges = 6;  // in one cell

class TextWriter {
 public:
  TextWriter(const TaintReport& report, const TaintViewOptions& options)
      : r_(report), options_(options), arrow_(options.style.ascii ? "<-" : "←") {}

  std::string write() {
    if (r_.coarse)
      out_ << "coarse: whole files, by what processes opened; not every one of these flows "
              "happened\n";
    write_sources();
    write_outputs();
    write_flows();
    write_processes();
    if (!r_.coarse) write_uses();
    write_queries();
    if (!r_.coarse) write_how_it_went();
    write_notes();
    return out_.str();
  }

 private:
  std::string from(const std::vector<Bytes>& bytes, bool merged) const {
    std::string text;
    for (size_t i = 0; i < bytes.size() && i < kMostRanges; ++i) {
      // A name is said once for all of its ranges that follow.
      const bool again = i > 0 && bytes[i].source == bytes[i - 1].source && !bytes[i].whole;
      text += again   ? byte_range(bytes[i].first, bytes[i].last)
              : i > 0 ? ", " + describe(r_, bytes[i])
                      : describe(r_, bytes[i]);
    }
    if (bytes.size() > kMostRanges) text += " +" + std::to_string(bytes.size() - kMostRanges);
    if (merged) text += " (merged)";
    return text.empty() ? "-" : text;
  }
  size_t shown_of(size_t rows) const {
    return options_.most_rows == 0 ? rows : std::min(rows, options_.most_rows);
  }
  void more(size_t rows, const char* what) {
    if (const size_t shown = shown_of(rows); shown < rows)
      out_ << "  and " << rows - shown << " more " << what << " (--json has all)\n";
  }
  std::string name_of(size_t process) const {
    const TaintReport::Process& p = r_.processes[process];
    const std::string& path = p.program;
    return printable(path.substr(path.rfind('/') + 1)) + " (" + std::to_string(p.key.pid) + ")";
  }
  std::string names_of(const std::vector<size_t>& processes) const {
    std::string text;
    for (const size_t p : processes) text += (text.empty() ? "" : ", ") + name_of(p);
    return text;
  }

  void write_sources() {
    out_ << (r_.coarse ? "read\n" : "labelled\n");
    Table table;
    for (const TaintReport::Source& s : r_.sources) {
      std::string dead;
      if (!r_.coarse && s.bytes > 0)
        dead = s.dead_bytes == 0 ? "all reached a branch or an output"
                                 : plural(s.dead_bytes, "byte", "bytes") +
                                       " reached no branch and no output: " + from(s.dead, false);
      table.add({title(r_, s), r_.coarse ? "" : plural(s.bytes, "byte", "bytes"), dead});
    }
    if (table.empty()) out_ << "  nothing\n";
    table.print(out_, "  ");
  }

  void write_outputs() {
    out_ << "outputs\n";
    Table table;
    const size_t shown = shown_of(r_.outputs.size());
    for (size_t i = 0; i < shown; ++i) {
      const TaintReport::Output& o = r_.outputs[i];
      table.add({title(r_, o), r_.coarse ? "" : plural(o.bytes, "byte", "bytes"),
                 std::string(arrow_) + " " + from(o.from, o.merged) +
                     (o.processes.empty() ? "" : ", written by " + names_of(o.processes))});
    }
    if (table.empty()) out_ << "  none of it got anywhere\n";
    table.print(out_, "  ");
    more(r_.outputs.size(), "outputs");
  }

  void write_flows() {
    if (r_.coarse || r_.flows.empty()) return;
    out_ << "bytes\n";
    const size_t shown = shown_of(r_.flows.size());
    for (size_t i = 0; i < shown; ++i) {
      const TaintReport::Flow& f = r_.flows[i];
      out_ << "  " << title(r_, r_.outputs[f.output]) << byte_range(f.first, f.last) << ' '
           << arrow_ << ' ' << from(f.from, f.merged);
      if (!f.positional && f.last > f.first) out_ << " (each from all)";
      if (f.depth > 0) out_ << ", depth " << f.depth;
      out_ << '\n';
    }
    more(r_.flows.size(), "ranges");
  }

  void write_processes() {
    out_ << "processes\n";
    Table table;
    const size_t shown = shown_of(r_.processes.size());
    for (size_t i = 0; i < shown; ++i) {
      const TaintReport::Process& p = r_.processes[i];
      table.add({name_of(i), from(p.holds, p.merged)});
    }
    if (table.empty()) out_ << "  none\n";
    table.print(out_, "  ");
    more(r_.processes.size(), "processes");
  }

  std::string place_of(const CodePlace& at) const {
    std::string object = at.object.substr(at.object.rfind('/') + 1);
    if (object.empty()) object = "?";
    char text[40];
    std::snprintf(text, sizeof text, "%#lx", at.object.empty() ? at.address : at.offset);
    return printable(object) + "+" + text;
  }

  void write_uses() {
    for (const TaintUse use : {TaintUse::kBranch, TaintUse::kJump, TaintUse::kInstruction}) {
      std::vector<const TaintReport::Use*> rows;
      for (const TaintReport::Use& u : r_.uses)
        if (u.use == use) rows.push_back(&u);
      if (rows.empty() && use == TaintUse::kInstruction) continue;
      out_ << (use == TaintUse::kBranch ? "branches"
               : use == TaintUse::kJump ? "jumps"
                                        : "instructions")
           << '\n';
      Table table;
      for (size_t i = 0; i < shown_of(rows.size()); ++i) {
        const TaintReport::Use& u = *rows[i];
        const std::string line =
            u.at.source.empty() ? ""
                                : printable(u.at.source.substr(u.at.source.rfind('/') + 1)) + ":" +
                                      std::to_string(u.at.line);
        table.add({place_of(u.at), printable(u.at.symbol), line, plural(u.times, "time", "times"),
                   std::string(arrow_) + " " + from(u.from, u.merged)});
      }
      if (table.empty()) out_ << "  none\n";
      table.print(out_, "  ");
      more(rows.size(), "places");
    }
  }

  void write_queries() {
    if (r_.queries.empty()) return;
    out_ << "asked by a program\n";
    const size_t shown = shown_of(r_.queries.size());
    for (size_t i = 0; i < shown; ++i) {
      const TaintQueryEvent& e = r_.queries[i].event;
      if (e.of_register)
        out_ << "  register " << e.number << byte_range(e.address, e.address + e.length - 1);
      else
        out_ << "  " << std::hex << "0x" << e.address << std::dec << ", "
             << plural(e.length, "byte", "bytes");
      out_ << ' ' << arrow_ << ' '
           << (e.labels.empty() ? "none" : from(r_.queries[i].from, e.labels.merged)) << '\n';
    }
    more(r_.queries.size(), "answers");
  }

  void write_how_it_went() {
    const TaintSummaryEvent& s = r_.summary;
    out_ << "policy        " << (s.pointers ? "data and pointers" : "data") << '\n';
    if (s.depths) out_ << "depth         " << s.deepest << '\n';
    out_ << "instructions  " << s.instructions << " with labels, at most "
         << byte_count(s.peak_labelled) << " of memory with labels at a time\n";
    out_ << "not modelled  ";
    if (s.unmodelled == 0) {
      out_ << "none\n";
      return;
    }
    out_ << s.unmodelled_tainted << " of " << s.unmodelled << " executions with labels\n";
    for (const TaintUnmodelledEvent& u : r_.unmodelled)
      out_ << "  " << printable(u.mnemonic) << ' ' << u.tainted << " of " << u.times << '\n';
  }

  void write_notes() {
    for (const TaintNoteEvent& n : r_.notes)
      out_ << "note: " << printable(n.detail.empty() ? n.what : n.detail) << '\n';
    if (!r_.complete) out_ << "note: the trace was cut short; what came later is not here\n";
  }

  const TaintReport& r_;
  TaintViewOptions options_;
  const char* arrow_;
  std::ostringstream out_;
};

// A string in DOT's quotes.
std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string taint_text(const TaintReport& report, const TaintViewOptions& options) {
  return TextWriter(report, options).write();
}

std::string difference_text(const TaintDifference& difference, const TextStyle& style) {
  std::ostringstream out;
  out << "only with pointers\n";
  for (const TaintDifference::Output& o : difference.outputs) {
    out << "  " << o.name << ": " << plural(o.bytes, "byte", "bytes") << " more";
    if (!o.from.empty()) out << (style.ascii ? " <- " : " ← ");
    for (size_t i = 0; i < o.from.size() && i < kMostRanges; ++i)
      out << (i > 0 ? ", " : "") << o.from[i];
    if (o.from.size() > kMostRanges) out << " +" << o.from.size() - kMostRanges;
    out << '\n';
  }
  out << "  " << plural(difference.uses, "place", "places") << " more in code\n";
  return out.str();
}

std::string taint_dot(const TaintReport& report) {
  std::ostringstream out;
  out << "digraph taint {\n  graph [rankdir=LR"
      << (report.coarse ? ", label=\"coarse: by what processes opened\"" : "")
      << "];\n  node [fontname=\"sans-serif\", fontsize=11];\n  edge [arrowsize=0.6, "
         "fontsize=9];\n";
  for (size_t i = 0; i < report.sources.size(); ++i)
    out << "  s" << i << " [shape=box, style=filled, fillcolor=\"#dbe9f6\", label="
        << quoted(title(report, report.sources[i])) << "];\n";
  for (size_t i = 0; i < report.processes.size(); ++i) {
    const TaintReport::Process& p = report.processes[i];
    const std::string name = printable(p.program.substr(p.program.rfind('/') + 1));
    out << "  p" << i << " [shape=ellipse, label="
        << quoted(name + " (" + std::to_string(p.key.pid) + ")") << "];\n";
    std::vector<bool> drawn(report.sources.size());
    for (const Bytes& b : p.holds) {
      if (drawn[b.source]) continue;
      drawn[b.source] = true;
      out << "  s" << b.source << " -> p" << i << ";\n";
    }
  }
  for (size_t i = 0; i < report.outputs.size(); ++i) {
    const TaintReport::Output& o = report.outputs[i];
    out << "  o" << i << " [shape=" << (o.internal ? "cds" : "box") << ", label="
        << quoted(title(report, o)) << "];\n";
    for (const size_t p : o.processes)
      out << "  p" << p << " -> o" << i << " [label="
          << quoted(report.coarse ? "" : plural(o.bytes, "byte", "bytes")) << "];\n";
  }
  out << "}\n";
  return out.str();
}

}  // namespace fptrace
