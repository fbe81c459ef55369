#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include "backends/emu/taint/label_sets.h"
#include "backends/emu/taint/slab_pool.h"

namespace fptrace::emu::taint {

inline constexpr uint32_t kShadowPageSize = 4096;

// The labels of some bytes in a row. Mostly they came together, and are the same, or follow one
// another, as those of a file do: then they are told by the first one alone.
struct ShadowLine {
  static constexpr uint32_t kSize = 64;
  // kSame, kRising: the label of byte i is first + i * kind, of kRising a single one. kEach: each
  // has its own.
  enum Kind : uint32_t { kSame, kRising, kEach };
  LabelId first = kNoLabel;
  Kind kind = kSame;

  LabelId at(uint32_t i) const { return first + i * kind; }
};

// Each byte's label, and the value it had when it got it: devices write to memory, and the
// processor pushes frames, without anybody telling. A byte of another value has lost its label.
struct ShadowPage {
  struct Labels {
    LabelId of[kShadowPageSize];
  };
  ShadowLine lines[kShadowPageSize / ShadowLine::kSize];
  uint8_t values[kShadowPageSize];
  Labels* labels;      // of lines that are kEach; nullptr: there was none so far
  uint32_t labelled;   // bytes that have a label; 0: all lines are kSame, without one
  bool may_be_stored;  // some of the labels, as LabelSets::is_stored() says

  ShadowLine& line(uint32_t offset) { return lines[offset / ShadowLine::kSize]; }
  const ShadowLine& line(uint32_t offset) const { return lines[offset / ShadowLine::kSize]; }
  LabelId label(uint32_t offset) const {
    const ShadowLine& its = line(offset);
    return its.kind == ShadowLine::kEach ? labels->of[offset] : its.at(offset % ShadowLine::kSize);
  }
};

// Calls run(size), with a constant for the sizes of most accesses.
template <uint32_t kSize>
using SizeConstant = std::integral_constant<uint32_t, kSize>;
template <class Run>
auto with_size(uint32_t size, Run run) {
  if (size == 8) return run(SizeConstant<8>());
  if (size == 4) return run(SizeConstant<4>());
  if (size == 1) return run(SizeConstant<1>());
  if (size == 16) return run(SizeConstant<16>());
  if (size == 2) return run(SizeConstant<2>());
  return run(size);
}
template <uint32_t kSize, class Run>
auto with_size(SizeConstant<kSize> size, Run run) {
  return run(size);
}

// The labels of the guest's physical memory; takes memory only for pages that have some. One
// thread.
//
// Ranges given to its functions do not cross the end of a page.
class ShadowMemory {
 public:
  // Physical addresses below it; no memory is above.
  static constexpr uint64_t kEnd = uint64_t{1} << 40;

  ShadowMemory();

  // nullptr: no byte of the page has a label. Else it may have none, too. The pointer is valid as
  // long as generation() stays.
  ShadowPage* find(uint64_t paddr) const {
    if (paddr >= kEnd) return nullptr;
    const Leaf& leaf = leaves_[paddr >> kLeafShift];
    return leaf ? leaf[paddr >> kPageShift & kLeafMask] : nullptr;
  }
  // Changes when a page comes or goes.
  uint64_t generation() const { return generation_; }

  // Whether a byte of the range has a label (that may turn out to be stale).
  static bool any(const ShadowPage& page, uint32_t offset, uint32_t size) {
    return is_in_line(offset, size) ? any_in_line(page, offset, size)
                                    : any_in_lines(page, offset, size);
  }
  bool any(uint64_t paddr, uint32_t size) const {
    const ShadowPage* page = find(paddr);
    return page && size != 0 && any(*page, uint32_t(paddr % kShadowPageSize), size);
  }

  // Writes the labels of `size` bytes, which now have these values. False: all are kNoLabel.
  bool load(uint64_t paddr, uint32_t size, const uint8_t* values, LabelId* labels) {
    return load_sized(paddr, size, values, labels);
  }
  void store(uint64_t paddr, uint32_t size, const uint8_t* values, const LabelId* labels);
  // The same for who knows the size beforehand: one of with_size()'s.
  template <uint32_t kSize>
  bool load(uint64_t paddr, SizeConstant<kSize> size, const uint8_t* values, LabelId* labels) {
    return load_sized(paddr, size, values, labels);
  }
  template <uint32_t kSize>
  void store(uint64_t paddr, SizeConstant<kSize> size, const uint8_t* values,
             const LabelId* labels);
  // They have been written with what has no label.
  void clear(uint64_t paddr, uint32_t size) {
    ShadowPage* page = find(paddr);
    if (!page || page->labelled == 0 || size == 0) return;
    const auto offset = uint32_t(paddr % kShadowPageSize);
    if (any(*page, offset, size)) clear(*page, offset, size);
  }

  // Bytes that have a label, and at most so far.
  uint64_t labelled() const { return labelled_; }
  uint64_t peak_labelled() const { return peak_labelled_; }
  // Bytes of memory in use, and at most so far: what is not needed any more is kept.
  uint64_t bytes() const;
  uint64_t peak_bytes() const { return bytes(); }

  // Calls visit(paddr of the page, page) in an order that depends on nothing but what was done.
  template <class Visit>
  void for_each_page(Visit visit) const {
    for (const uint64_t paddr : pages_)
      if (const ShadowPage* page = find(paddr); page->labelled != 0) visit(paddr, *page);
  }
  // Calls visit(label) for each label that is stored, once or more often.
  template <class Visit>
  void for_each_stored(Visit visit) {
    for (const uint64_t paddr : pages_) {
      ShadowPage& page = *find(paddr);
      if (!page.may_be_stored) continue;
      page.may_be_stored = false;
      const auto see = [&](LabelId id) {
        if (!LabelSets::is_stored(id)) return;
        page.may_be_stored = true;
        visit(id);
      };
      for (uint32_t at = 0; at < kShadowPageSize; at += ShadowLine::kSize) {
        if (page.line(at).kind == ShadowLine::kEach)
          std::for_each_n(page.labels->of + at, ShadowLine::kSize, see);
        else
          see(page.line(at).first);
      }
    }
  }

 private:
  static constexpr uint32_t kPageShift = 12, kLeafShift = 25;
  static constexpr uint64_t kLeafMask = (uint64_t{1} << (kLeafShift - kPageShift)) - 1;
  using Leaf = std::unique_ptr<ShadowPage*[]>;

  static bool is_in_line(uint32_t offset, uint32_t size) {
    return offset % ShadowLine::kSize + size <= ShadowLine::kSize;
  }
  static bool any_in_line(const ShadowPage& page, uint32_t offset, uint32_t size) {
    const ShadowLine& line = page.line(offset);
    if (line.kind != ShadowLine::kEach) return line.first != kNoLabel;
    return with_size(size, [labels = page.labels->of + offset](auto n) {
      LabelId all = kNoLabel;
      for (uint32_t i = 0; i < n; ++i) all |= labels[i];
      return all != kNoLabel;
    });
  }
  static bool any_in_lines(const ShadowPage& page, uint32_t offset, uint32_t size);

  template <class Size>
  bool load_sized(uint64_t paddr, Size size, const uint8_t* values, LabelId* labels) {
    ShadowPage* page = find(paddr);
    if (page && page->labelled != 0)
      return load(*page, uint32_t(paddr % kShadowPageSize), size, values, labels);
    for (uint32_t i = 0; i < size; ++i) labels[i] = kNoLabel;
    return false;
  }
  template <class Size>
  bool load(ShadowPage& page, uint32_t offset, Size size, const uint8_t* values, LabelId* labels) {
    return with_size(size, [&](auto n) {
      if (std::memcmp(page.values + offset, values, n) != 0) drop_stale(page, offset, n, values);
      if (!is_in_line(offset, n)) return load_lines(page, offset, n, labels);
      return load_line(page, offset, n, labels);
    });
  }
  template <class Size>
  static bool load_line(const ShadowPage& page, uint32_t offset, Size n, LabelId* labels) {
    const ShadowLine line = page.line(offset);
    if (line.kind != ShadowLine::kEach) {
      const LabelId first = line.at(offset % ShadowLine::kSize);
      for (uint32_t i = 0; i < n; ++i) labels[i] = first + i * line.kind;
      return line.first != kNoLabel;
    }
    const LabelId* const known = page.labels->of + offset;
    LabelId all = kNoLabel;
    for (uint32_t i = 0; i < n; ++i) all |= known[i];
    std::memcpy(labels, known, n * sizeof(LabelId));
    return all != kNoLabel;
  }
  static bool load_lines(const ShadowPage& page, uint32_t offset, uint32_t size, LabelId* labels);
  void drop_stale(ShadowPage& page, uint32_t offset, uint32_t size, const uint8_t* values);
  template <class Size>
  void store_sized(uint64_t paddr, Size size, const uint8_t* values, const LabelId* labels);
  template <class Size>
  void store_in_line(ShadowPage& page, uint32_t offset, Size size, const LabelId* labels);
  void clear(ShadowPage& page, uint32_t offset, uint32_t size);
  uint32_t clear_in_line(ShadowPage& page, uint32_t offset, uint32_t size);
  void has_lost(ShadowPage& page, uint32_t labels);
  void tell_each(ShadowPage& page, uint32_t offset);
  ShadowPage* make(uint64_t paddr);
  void release_empty();

  std::unique_ptr<Leaf[]> leaves_;
  std::vector<uint64_t> pages_;  // the physical addresses of all there are
  SlabPool<ShadowPage> page_pool_;
  SlabPool<ShadowPage::Labels> labels_pool_;
  uint64_t leaf_count_ = 0, empty_ = 0, generation_ = 0;
  uint64_t labelled_ = 0, peak_labelled_ = 0;
};

}  // namespace fptrace::emu::taint
