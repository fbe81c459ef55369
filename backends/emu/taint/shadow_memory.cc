#include "backends/emu/taint/shadow_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>

namespace fptrace::emu::taint {
namespace {

// Stacks get and lose labels all the time: an emptied page stays until there are so many.
constexpr uint64_t kMostEmpty = 256;

}  // namespace

ShadowMemory::ShadowMemory() : leaves_(new Leaf[kEnd >> kLeafShift]) {}

void ShadowMemory::drop_stale(ShadowPage& page, uint32_t offset, uint32_t size,
                              const uint8_t* values) {
  for (uint32_t i = 0; i < size; ++i)
    if (page.labels[offset + i] != kNoLabel && page.values[offset + i] != values[i])
      drop(page, offset + i);
}

void ShadowMemory::store(uint64_t paddr, uint32_t size, const uint8_t* values,
                         const LabelId* labels) {
  const auto count = [size](const LabelId* some) {
    return with_size(size, [some](auto n) {
      uint32_t labelled = 0;
      for (uint32_t i = 0; i < n; ++i) labelled += some[i] != kNoLabel;
      return labelled;
    });
  };
  const uint32_t now = count(labels);
  if (now == 0) return clear(paddr, size);
  ShadowPage* page = find(paddr);
  if (!page) page = make(paddr);
  if (!page) return;
  const uint32_t offset = uint32_t(paddr % kShadowPageSize);
  const uint32_t before = count(page->labels + offset);
  with_size(size, [&](auto n) {
    bool any_stored = false;
    for (uint32_t i = 0; i < n; ++i) any_stored |= LabelSets::is_stored(labels[i]);
    page->may_be_stored |= any_stored;
    std::memcpy(page->labels + offset, labels, n * sizeof(LabelId));
    std::memcpy(page->values + offset, values, n);
  });
  page->lines |= ShadowPage::lines_of(offset, size);
  if (page->labelled == 0) --empty_;
  page->labelled += now - before;
  labelled_ += uint64_t{now} - before;
  peak_labelled_ = std::max(peak_labelled_, labelled_);
}

ShadowPage* ShadowMemory::make(uint64_t paddr) {
  if (paddr >= kEnd) return nullptr;
  if (empty_ >= kMostEmpty) release_empty();
  Leaf& leaf = leaves_[paddr >> kLeafShift];
  if (!leaf) {
    leaf = std::make_unique<ShadowPage*[]>(kLeafMask + 1);
    ++leaf_count_;
  }
  ShadowPage* const page = leaf[paddr >> kPageShift & kLeafMask] = take_page();
  pages_.push_back(paddr - paddr % kShadowPageSize);
  ++empty_;
  ++generation_;
  peak_bytes_ = std::max(peak_bytes_, bytes());
  return page;
}

ShadowPage* ShadowMemory::take_page() {
  if (!spare_.empty()) {
    ShadowPage* const page = spare_.back();
    spare_.pop_back();
    return page;
  }
  if (slab_pages_ == kSlabPages) {
    slabs_.emplace_back(::operator new (kSlabSize, std::align_val_t{kSlabSize}));
    // A kernel without large pages refuses it, and that is all.
    ::madvise(slabs_.back().get(), kSlabSize, MADV_HUGEPAGE);
    slab_pages_ = 0;
  }
  return new (static_cast<ShadowPage*>(slabs_.back().get()) + slab_pages_++) ShadowPage();
}

void ShadowMemory::release_empty() {
  const auto is_empty = [this](uint64_t paddr) {
    ShadowPage*& page = leaves_[paddr >> kLeafShift][paddr >> kPageShift & kLeafMask];
    if (page->labelled != 0) return false;
    spare_.push_back(page);  // its labels are none already
    page = nullptr;
    return true;
  };
  pages_.erase(std::remove_if(pages_.begin(), pages_.end(), is_empty), pages_.end());
  empty_ = 0;
  ++generation_;
}

uint64_t ShadowMemory::bytes() const {
  return (pages_.size() + spare_.size()) * sizeof(ShadowPage) +
         pages_.capacity() * sizeof(uint64_t) + leaf_count_ * (kLeafMask + 1) * sizeof(void*) +
         (kEnd >> kLeafShift) * sizeof(Leaf);
}

}  // namespace fptrace::emu::taint
