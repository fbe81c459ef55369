#pragma once
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "backends/emu/taint/label_sets.h"

namespace fptrace::emu::taint {

inline constexpr uint32_t kShadowPageSize = 4096;

// Each byte's label, and the value it had when it got it: devices write to memory, and the
// processor pushes frames, without anybody telling. A byte of another value has lost its label.
struct ShadowPage {
  LabelId labels[kShadowPageSize];
  uint8_t values[kShadowPageSize];
  // A bit for each kLine bytes: none of them has a label unless it is set. Of a page without labels
  // none is.
  uint64_t lines;
  uint32_t labelled;   // bytes that have a label
  bool may_be_stored;  // some of the labels, as LabelSets::is_stored() says

  static constexpr uint32_t kLine = kShadowPageSize / 64;
  static uint64_t lines_of(uint32_t offset, uint32_t size) {
    const uint32_t first = offset / kLine, last = (offset + size - 1) / kLine;
    return (~uint64_t{0} >> (63 - (last - first))) << first;
  }
};

// Calls run(size), with a constant for the sizes of most accesses.
template <class Run>
auto with_size(uint32_t size, Run run) {
  if (size == 8) return run(std::integral_constant<uint32_t, 8>());
  if (size == 4) return run(std::integral_constant<uint32_t, 4>());
  if (size == 1) return run(std::integral_constant<uint32_t, 1>());
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
    if ((page.lines & ShadowPage::lines_of(offset, size)) == 0) return false;
    return with_size(size, [labels = page.labels + offset](auto n) {
      LabelId all = kNoLabel;
      for (uint32_t i = 0; i < n; ++i) all |= labels[i];
      return all != kNoLabel;
    });
  }
  bool any(uint64_t paddr, uint32_t size) const {
    const ShadowPage* page = find(paddr);
    return page && any(*page, uint32_t(paddr % kShadowPageSize), size);
  }

  // Writes the labels of `size` bytes, which now have these values. False: all are kNoLabel.
  bool load(uint64_t paddr, uint32_t size, const uint8_t* values, LabelId* labels) {
    ShadowPage* page = find(paddr);
    if (page && page->labelled != 0)
      return load(*page, uint32_t(paddr % kShadowPageSize), size, values, labels);
    for (uint32_t i = 0; i < size; ++i) labels[i] = kNoLabel;
    return false;
  }
  void store(uint64_t paddr, uint32_t size, const uint8_t* values, const LabelId* labels);
  // They have been written with what has no label.
  void clear(uint64_t paddr, uint32_t size) {
    ShadowPage* page = find(paddr);
    if (page && size != 0) clear(*page, uint32_t(paddr % kShadowPageSize), size);
  }
  void clear(ShadowPage& page, uint32_t offset, uint32_t size) {
    const uint64_t lines = page.lines & ShadowPage::lines_of(offset, size);
    if (lines == 0) return;
    const uint32_t before = page.labelled;
    for (uint32_t i = offset; i < offset + size; ++i)
      if (page.labels[i] != kNoLabel) drop(page, i);
    if (page.labelled != before) look_again(page, lines);
  }

  // Bytes that have a label, and at most so far.
  uint64_t labelled() const { return labelled_; }
  uint64_t peak_labelled() const { return peak_labelled_; }
  // Bytes of memory in use, and at most so far.
  uint64_t bytes() const;
  uint64_t peak_bytes() const { return peak_bytes_; }

  // Calls visit(paddr of the page, page) in an order that depends on nothing but what was done.
  template <class Visit>
  void for_each_page(Visit visit) const {
    for (const uint64_t paddr : pages_)
      if (const ShadowPage* page = find(paddr); page->labelled != 0) visit(paddr, *page);
  }
  // Calls visit(label) for each byte's that is stored.
  template <class Visit>
  void for_each_stored(Visit visit) {
    for (const uint64_t paddr : pages_) {
      ShadowPage& page = *find(paddr);
      if (!page.may_be_stored) continue;
      page.may_be_stored = false;
      for (const LabelId id : page.labels) {
        if (!LabelSets::is_stored(id)) continue;
        page.may_be_stored = true;
        visit(id);
      }
    }
  }

 private:
  static constexpr uint32_t kPageShift = 12, kLeafShift = 25;
  static constexpr uint64_t kLeafMask = (uint64_t{1} << (kLeafShift - kPageShift)) - 1;
  using Leaf = std::unique_ptr<ShadowPage*[]>;
  // Pages are made in pieces of memory that the kernel may give as one of its large pages: to get
  // them one by one takes longer than to label them. They are kept for other pages.
  static constexpr size_t kSlabSize = size_t{2} << 20, kSlabPages = kSlabSize / sizeof(ShadowPage);
  struct DeleteSlab {
    void operator()(void* slab) const { ::operator delete (slab, std::align_val_t{kSlabSize}); }
  };

  bool load(ShadowPage& page, uint32_t offset, uint32_t size, const uint8_t* values,
            LabelId* labels) {
    return with_size(size, [&](auto n) {
      const LabelId* const known = page.labels + offset;
      if (std::memcmp(page.values + offset, values, n) != 0) drop_stale(page, offset, size, values);
      LabelId all = kNoLabel;
      for (uint32_t i = 0; i < n; ++i) all |= known[i];
      std::memcpy(labels, known, n * sizeof(LabelId));
      return all != kNoLabel;
    });
  }
  void drop_stale(ShadowPage& page, uint32_t offset, uint32_t size, const uint8_t* values);
  ShadowPage* make(uint64_t paddr);
  ShadowPage* take_page();
  void release_empty();
  void drop(ShadowPage& page, uint32_t at) {
    page.labels[at] = kNoLabel;
    --labelled_;
    if (--page.labelled == 0) {
      ++empty_;
      page.lines = 0;
    }
  }
  // At these lines, that have lost labels.
  static void look_again(ShadowPage& page, uint64_t lines) {
    for (; (lines & page.lines) != 0; lines &= lines - 1) {
      const auto line = unsigned(__builtin_ctzll(lines));
      const LabelId* const labels = page.labels + line * ShadowPage::kLine;
      LabelId all = kNoLabel;
      for (uint32_t i = 0; i < ShadowPage::kLine; ++i) all |= labels[i];
      if (all == kNoLabel) page.lines &= ~(uint64_t{1} << line);
    }
  }

  std::unique_ptr<Leaf[]> leaves_;
  std::vector<uint64_t> pages_;  // the physical addresses of all there are
  std::vector<ShadowPage*> spare_;
  std::vector<std::unique_ptr<void, DeleteSlab>> slabs_;
  size_t slab_pages_ = kSlabPages;  // of the last one, that were taken
  uint64_t leaf_count_ = 0, empty_ = 0, generation_ = 0;
  uint64_t labelled_ = 0, peak_labelled_ = 0, peak_bytes_ = 0;
};

}  // namespace fptrace::emu::taint
