#include "backends/emu/tracer/taint_engine.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace fptrace::emu {
namespace {

constexpr size_t kRangesPerRequest = kMailSize / sizeof(TaintRange);
constexpr size_t kIdsPerRequest = kMailSize / sizeof(TaintSetId);

template <class T>
T at(std::span<const uint8_t> mail, size_t offset) {
  T value;
  std::memcpy(&value, mail.data() + offset, sizeof value);
  return value;
}

tl::unexpected<Error> garbled() {
  return fail(Errc::kBackend, "the plugin's answer about taint makes no sense");
}

}  // namespace

Result<void> TaintEngine::ask(TaintRequest kind, Request& request) {
  request.kind = uint32_t(kind);
  return channel_.ask(request);
}

Result<void> TaintEngine::start(const TaintOptions& options) {
  std::memcpy(channel_.mail().data(), &options, sizeof options);
  Request request{};
  return ask(TaintRequest::kOptions, request);
}

Result<void> TaintEngine::label(std::span<const Piece> pieces) {
  while (!pieces.empty()) {
    const size_t n = std::min(pieces.size(), kRangesPerRequest);
    for (size_t i = 0; i < n; ++i) {
      const Piece& p = pieces[i];
      const TaintRange range{p.paddr, p.size, p.with.first, p.with.step, uint32_t(p.with.how), 0};
      std::memcpy(channel_.mail().data() + i * sizeof range, &range, sizeof range);
    }
    Request request{};
    request.args[0] = n;
    if (auto ok = ask(TaintRequest::kLabelMemory, request); !ok) return ok;
    pieces = pieces.subspan(n);
  }
  return {};
}

// As many pieces at a time as their answer has room for.
Result<std::vector<TaintSetId>> TaintEngine::query(std::span<const Piece> pieces) {
  std::vector<TaintSetId> out;
  for (size_t i = 0; i < pieces.size();) {
    size_t n = 0, bytes = 0;
    while (i + n < pieces.size() && n < kRangesPerRequest &&
           bytes + pieces[i + n].size <= kIdsPerRequest) {
      const TaintRange range{pieces[i + n].paddr, pieces[i + n].size, 0, 0, 0, 0};
      std::memcpy(channel_.mail().data() + n * sizeof range, &range, sizeof range);
      bytes += range.size;
      ++n;
    }
    if (n == 0) return fail(Errc::kUnsupported, "labels of more bytes at once than there is room");
    Request request{};
    request.args[0] = n;
    if (auto ok = ask(TaintRequest::kQueryMemory, request); !ok) return fail(ok.error());
    const size_t before = out.size();
    out.resize(before + bytes);
    if (request.reply[0] != 0)
      std::memcpy(out.data() + before, channel_.mail().data(), bytes * sizeof(TaintSetId));
    i += n;
  }
  return out;
}

Result<void> TaintEngine::label_register(uint32_t number, uint32_t first_byte, uint32_t bytes,
                                         const Labelling& with) {
  Request request{};
  const uint64_t args[] = {number, first_byte, bytes, with.first, with.step, uint64_t(with.how)};
  std::ranges::copy(args, request.args);
  return ask(TaintRequest::kLabelRegister, request);
}

Result<std::vector<TaintSetId>> TaintEngine::query_register(uint32_t number) {
  Request request{};
  request.args[0] = number;
  if (auto ok = ask(TaintRequest::kQueryRegister, request); !ok) return fail(ok.error());
  if (request.reply[0] > kIdsPerRequest) return garbled();
  std::vector<TaintSetId> out(request.reply[0]);
  std::memcpy(out.data(), channel_.mail().data(), out.size() * sizeof(TaintSetId));
  return out;
}

Result<void> TaintEngine::describe_all(std::span<const TaintSetId> ids,
                                       std::unordered_map<TaintSetId, DescribedSet>& out) {
  while (!ids.empty()) {
    const auto asked = ids.first(std::min(ids.size(), kIdsPerRequest));
    std::memcpy(channel_.mail().data(), asked.data(), asked.size_bytes());
    Request request{};
    request.args[0] = asked.size();
    if (auto ok = ask(TaintRequest::kDescribe, request); !ok) return ok;
    if (request.reply[0] == 0 || request.reply[0] > asked.size()) return garbled();
    const std::span<const uint8_t> mail = channel_.mail();
    size_t offset = 0;
    for (uint64_t i = 0; i < request.reply[0]; ++i) {
      if (offset + sizeof(TaintSet) > mail.size()) return garbled();
      const auto set = at<TaintSet>(mail, offset);
      offset += sizeof set;
      if (set.runs > (mail.size() - offset) / sizeof(TaintRun)) return garbled();
      DescribedSet& described = out[set.id];
      described = {{{}, set.merged != 0}, set.depth};
      for (uint32_t r = 0; r < set.runs; ++r, offset += sizeof(TaintRun)) {
        const auto run = at<TaintRun>(mail, offset);
        described.labels.add(LabelRun{run.first, run.last});
      }
    }
    ids = ids.subspan(request.reply[0]);
  }
  return {};
}

Result<DescribedSet> TaintEngine::describe(TaintSetId id) {
  if (id == 0) return DescribedSet{};
  std::unordered_map<TaintSetId, DescribedSet> sets;
  if (auto ok = describe_all(std::span(&id, 1), sets); !ok) return fail(ok.error());
  return std::move(sets[id]);
}

Result<std::vector<LabelledSpan>> TaintEngine::spans(std::span<const TaintSetId> ids) {
  std::set<TaintSetId> different(ids.begin(), ids.end());
  different.erase(0);
  const std::vector<TaintSetId> asked(different.begin(), different.end());
  std::unordered_map<TaintSetId, DescribedSet> sets;
  if (auto ok = describe_all(asked, sets); !ok) return fail(ok.error());
  return spans_of(ids, sets);
}

void append_span(std::vector<LabelledSpan>& all, LabelledSpan next) {
  LabelledSpan* const last = all.empty() ? nullptr : &all.back();
  const bool adjacent = last && last->offset + last->length == next.offset;
  const bool in_step = adjacent && last->may_be_positional() && next.may_be_positional() &&
                       next.labels.runs[0].first == last->labels.runs[0].last + 1;
  const bool same =
      adjacent && !last->positional && !next.positional && last->labels == next.labels;
  if (!in_step && !same) return all.push_back(std::move(next));
  if (in_step) {
    last->positional = true;
    last->labels.runs[0].last = next.labels.runs[0].last;
  }
  last->length += next.length;
  last->depth = std::max(last->depth, next.depth);
}

std::vector<LabelledSpan> spans_of(std::span<const TaintSetId> ids,
                                   const std::unordered_map<TaintSetId, DescribedSet>& sets) {
  std::vector<LabelledSpan> out;
  for (size_t i = 0; i < ids.size();) {
    size_t end = i + 1;
    while (end < ids.size() && ids[end] == ids[i]) ++end;
    const auto found = sets.find(ids[i]);
    if (ids[i] != 0 && found != sets.end())
      append_span(out, {i, end - i, false, found->second.labels, found->second.depth});
    i = end;
  }
  return out;
}

Result<TaintSummary> TaintEngine::summary() {
  Request request{};
  if (auto ok = ask(TaintRequest::kSummary, request); !ok) return fail(ok.error());
  return at<TaintSummary>(channel_.mail(), 0);
}

template <class Entry>
Result<std::vector<Entry>> TaintEngine::table(TaintRequest kind) {
  std::vector<Entry> out;
  for (;;) {
    Request request{};
    request.args[0] = out.size();
    if (auto ok = ask(kind, request); !ok) return fail(ok.error());
    const uint64_t n = request.reply[0];
    if (n > kMailSize / sizeof(Entry)) return garbled();
    const size_t before = out.size();
    out.resize(before + n);
    if (n > 0) std::memcpy(out.data() + before, channel_.mail().data(), n * sizeof(Entry));
    if (n == 0 || out.size() >= request.reply[1]) return out;
  }
}

Result<std::vector<TaintFinding>> TaintEngine::findings() {
  return table<TaintFinding>(TaintRequest::kFindings);
}
Result<std::vector<TaintHolder>> TaintEngine::holders() {
  return table<TaintHolder>(TaintRequest::kHolders);
}
Result<std::vector<TaintUnmodelled>> TaintEngine::unmodelled() {
  return table<TaintUnmodelled>(TaintRequest::kUnmodelled);
}

Result<void> TaintEngine::forget_task(uint64_t task) {
  Request request{};
  request.args[0] = task;
  return ask(TaintRequest::kForgetTask, request);
}

}  // namespace fptrace::emu
