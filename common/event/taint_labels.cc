#include "common/event/taint_labels.h"

#include <algorithm>

#include "common/base/scanner.h"

namespace fptrace {

uint64_t TaintLabels::count() const {
  uint64_t sum = 0;
  for (const LabelRun& r : runs) sum += uint64_t(r.last) - r.first + 1;
  return sum;
}

bool TaintLabels::contains(uint32_t label) const {
  const auto after =
      std::ranges::upper_bound(runs, label, {}, [](const LabelRun& r) { return r.first; });
  return after != runs.begin() && std::prev(after)->last >= label;
}

void TaintLabels::add(const TaintLabels& other) {
  merged = merged || other.merged;
  if (other.runs.empty()) return;
  std::vector<LabelRun> all;
  all.reserve(runs.size() + other.runs.size());
  std::ranges::merge(runs, other.runs, std::back_inserter(all));
  size_t kept = 0;
  for (const LabelRun& r : all) {
    if (kept > 0 && r.first <= uint64_t(all[kept - 1].last) + 1)
      all[kept - 1].last = std::max(all[kept - 1].last, r.last);
    else
      all[kept++] = r;
  }
  all.resize(kept);
  runs = std::move(all);
}

TaintLabels TaintLabels::minus(const TaintLabels& other) const {
  TaintLabels rest;
  auto cut = other.runs.begin();
  for (const LabelRun& r : runs) {
    uint64_t at = r.first;
    while (cut != other.runs.end() && cut->last < r.first) ++cut;
    for (auto c = cut; c != other.runs.end() && c->first <= r.last; ++c) {
      if (at < c->first) rest.runs.push_back({uint32_t(at), c->first - 1});
      at = std::max(at, uint64_t(c->last) + 1);
    }
    if (at <= r.last) rest.runs.push_back({uint32_t(at), r.last});
  }
  return rest;
}

std::string to_text(const TaintLabels& labels) {
  std::string out = labels.merged ? "~" : "";
  for (size_t i = 0; i < labels.runs.size(); ++i) {
    const LabelRun& r = labels.runs[i];
    if (i > 0) out += ',';
    out += std::to_string(r.first);
    if (r.last != r.first) (out += '-') += std::to_string(r.last);
  }
  return out;
}

std::optional<TaintLabels> parse_labels(std::string_view text) {
  TaintLabels out;
  Scanner s(text);
  out.merged = s.lit("~");
  while (!s.rest().empty()) {
    LabelRun r;
    if (!out.runs.empty() && !s.lit(",")) return std::nullopt;
    if (!s.dec(r.first)) return std::nullopt;
    r.last = r.first;
    if (s.lit("-") && (!s.dec(r.last) || r.last <= r.first)) return std::nullopt;
    if (!out.runs.empty() && r.first <= uint64_t(out.runs.back().last) + 1) return std::nullopt;
    out.runs.push_back(r);
  }
  return out;
}

}  // namespace fptrace
