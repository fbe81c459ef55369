#include "common/analysis/timeline.h"

#include <algorithm>

namespace fptrace {
namespace {

void add_name(Timeline::Row& row, const std::string& name) {
  if (row.names.empty() || row.names.back() != name) row.names.push_back(name);
}

}  // namespace

void Timeline::close(uint64_t time) {
  if (now_ == SIZE_MAX || time <= since_) return;
  Row& row = rows_[now_];
  row.total += time - since_;
  // Between two threads of a process nobody else has run.
  if (!row.spans.empty() && row.spans.back().end == since_)
    row.spans.back().end = time;
  else
    row.spans.push_back({since_, time});
}

void Timeline::runs(uint64_t time, const Who& who, const std::string& name) {
  if (now_ == SIZE_MAX) begin_ = time;
  close(time);
  const auto [it, fresh] = index_.try_emplace(who, rows_.size());
  if (fresh) rows_.push_back({who, {}, 0, {}});
  now_ = it->second;
  since_ = end_ = time;
  add_name(rows_[now_], name);
}

void Timeline::named(const std::string& name) {
  if (now_ != SIZE_MAX) add_name(rows_[now_], name);
}

void Timeline::ends(uint64_t time) {
  close(time);
  since_ = end_ = time;
}

std::vector<Timeline::Row> Timeline::rows() const {
  std::vector<Row> out = rows_;
  std::ranges::stable_sort(out, {}, [](const Row& row) { return row.who.kind; });
  return out;
}

}  // namespace fptrace
