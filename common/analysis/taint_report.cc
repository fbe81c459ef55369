#include "common/analysis/taint_report.h"

#include <algorithm>
#include <map>
#include <set>

#include "common/base/text.h"

namespace fptrace {
namespace {

using Bytes = TaintReport::Bytes;

// Bytes [first, last] of one thing, as a set.
class ByteSet {
 public:
  void add(uint64_t first, uint64_t last) {
    auto it = runs_.upper_bound(first);
    if (it != runs_.begin() && std::prev(it)->second + 1 >= first) --it;
    while (it != runs_.end() && it->first <= last + 1) {
      first = std::min(first, it->first);
      last = std::max(last, it->second);
      it = runs_.erase(it);
    }
    runs_[first] = last;
  }
  // Those of [first, last] that are not in it.
  std::vector<std::pair<uint64_t, uint64_t>> missing(uint64_t first, uint64_t last) const {
    std::vector<std::pair<uint64_t, uint64_t>> out;
    auto it = runs_.upper_bound(first);
    if (it != runs_.begin()) --it;
    for (; it != runs_.end() && it->first <= last && first <= last; ++it) {
      if (it->second < first) continue;
      if (it->first > first) out.emplace_back(first, it->first - 1);
      if (it->second >= last) return out;
      first = it->second + 1;
    }
    out.emplace_back(first, last);
    return out;
  }

 private:
  std::map<uint64_t, uint64_t> runs_;
};

using SourceName = std::pair<TaintOrigin, std::string>;
SourceName name_of(const TaintReport& report, size_t source) {
  return {report.sources[source].origin, report.sources[source].name};
}

std::string short_name(const TaintReport& report, const std::string& path) {
  const std::string directory = report.cwd.ends_with('/') ? report.cwd : report.cwd + "/";
  const bool below = path.starts_with(directory) && path.size() > directory.size();
  return printable(below ? path.substr(directory.size()) : path);
}

using OutputName = std::pair<TaintSink, std::string>;
struct Reached {
  ByteSet bytes;
  std::map<SourceName, ByteSet> from;
  std::set<SourceName> whole;
};

std::map<OutputName, Reached> reached(const TaintReport& report) {
  std::map<OutputName, Reached> out;
  for (const TaintReport::Flow& flow : report.flows) {
    const TaintReport::Output& output = report.outputs[flow.output];
    Reached& r = out[{output.sink, output.name}];
    r.bytes.add(flow.first, flow.last);
    for (const Bytes& b : flow.from) {
      const SourceName source = name_of(report, b.source);
      if (b.whole) r.whole.insert(source);
      r.from[source].add(b.first, b.last);
    }
  }
  return out;
}

TaintDifference::Output beyond(const Reached& known, const TaintReport& report, size_t output) {
  TaintDifference::Output out{title(report, report.outputs[output]), 0, {}};
  std::set<std::string> from;
  for (const TaintReport::Flow& flow : report.flows) {
    if (flow.output != output) continue;
    for (const auto& [first, last] : known.bytes.missing(flow.first, flow.last))
      out.bytes += last - first + 1;
    for (const Bytes& b : flow.from) {
      const SourceName source = name_of(report, b.source);
      if (known.whole.contains(source)) continue;
      const auto had = known.from.find(source);
      const auto more =
          (had == known.from.end() ? ByteSet() : had->second).missing(b.first, b.last);
      for (const auto& [first, last] : more)
        from.insert(describe(report, {b.source, first, last, b.whole}));
    }
  }
  out.from.assign(from.begin(), from.end());
  return out;
}

}  // namespace

TaintDifference difference(const TaintReport& first, const TaintReport& second) {
  TaintDifference out;
  const auto known = reached(first);
  for (size_t i = 0; i < second.outputs.size(); ++i) {
    const auto it = known.find({second.outputs[i].sink, second.outputs[i].name});
    auto more = beyond(it == known.end() ? Reached() : it->second, second, i);
    if (more.bytes != 0 || !more.from.empty()) out.outputs.push_back(std::move(more));
  }
  using Place = std::tuple<TaintUse, std::string, uint64_t>;
  const auto place = [](const TaintReport::Use& u) {
    return Place{u.use, u.at.object, u.at.object.empty() ? u.at.address : u.at.offset};
  };
  std::set<Place> places;
  for (const auto& use : first.uses) places.insert(place(use));
  for (const auto& use : second.uses) out.uses += places.insert(place(use)).second ? 1u : 0u;
  return out;
}

std::string title(const TaintReport& report, const TaintReport::Source& source) {
  std::string name = printable(source.name);
  switch (source.origin) {
    case TaintOrigin::kFile:
      return short_name(report, source.name);
    case TaintOrigin::kStdin:
      return "standard input";
    case TaintOrigin::kArgument:
      return "argument " + name;
    case TaintOrigin::kEnvironment:
      return "$" + name;
    case TaintOrigin::kString:
      return "\"" + name + "\"";
    case TaintOrigin::kNetwork:
      return "network";
    case TaintOrigin::kGuest:
      return "label";
  }
  return name;
}

std::string title(const TaintReport& report, const TaintReport::Output& output) {
  return short_name(report, output.name);
}

std::string byte_range(uint64_t first, uint64_t last) {
  return "[" + std::to_string(first) + (first == last ? "" : ".." + std::to_string(last)) + "]";
}

std::string describe(const TaintReport& report, const TaintReport::Bytes& bytes) {
  const std::string name = title(report, report.sources[bytes.source]);
  return bytes.whole ? name : name + byte_range(bytes.first, bytes.last);
}

}  // namespace fptrace
