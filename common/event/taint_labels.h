#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fptrace {

// Labels `first` to `last`, both among them.
struct LabelRun {
  uint32_t first = 0, last = 0;
  auto operator<=>(const LabelRun&) const = default;
};

// A set of labels: which source bytes something was computed from. TaintSourceEvents say what each
// label stands for.
struct TaintLabels {
  std::vector<LabelRun> runs;  // ascending, with gaps between them
  // The set grew beyond what is kept: it holds at least what is meant, and maybe more.
  bool merged = false;

  bool empty() const { return runs.empty(); }
  uint64_t count() const;
  bool contains(uint32_t label) const;
  // Becomes the union of both.
  void add(const TaintLabels& other);
  void add(LabelRun run) { add(TaintLabels{{run}, false}); }
  // Without those of `other`.
  TaintLabels minus(const TaintLabels& other) const;
  bool operator==(const TaintLabels&) const = default;
};

// "0-15,20"; with a "~" before it when it was merged; empty for no label.
std::string to_text(const TaintLabels& labels);
// nullopt for what to_text() does not write.
std::optional<TaintLabels> parse_labels(std::string_view text);

}  // namespace fptrace
