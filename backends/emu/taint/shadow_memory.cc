#include "backends/emu/taint/shadow_memory.h"

#include <algorithm>

namespace fptrace::emu::taint {
namespace {

// Stacks get and lose labels all the time: an emptied page stays until there are so many.
constexpr uint64_t kMostEmpty = 256;

}  // namespace

ShadowMemory::ShadowMemory() : leaves_(new Leaf[kEnd >> kLeafShift]) {}

bool ShadowMemory::load(ShadowPage& page, uint32_t offset, uint32_t size, const uint8_t* values,
                        LabelId* labels) {
  LabelId all = kNoLabel;
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t at = offset + i;
    if (page.labels[at] != kNoLabel && page.values[at] != values[i]) drop(page, at);
    labels[i] = page.labels[at];
    all |= labels[i];
  }
  return all != kNoLabel;
}

void ShadowMemory::store(uint64_t paddr, uint32_t size, const uint8_t* values,
                         const LabelId* labels) {
  LabelId all = kNoLabel;
  for (uint32_t i = 0; i < size; ++i) all |= labels[i];
  if (all == kNoLabel) return clear(paddr, size);
  ShadowPage* page = find(paddr);
  if (!page) page = make(paddr);
  if (!page) return;
  const uint32_t offset = uint32_t(paddr % kShadowPageSize), before = page->labelled;
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t at = offset + i;
    page->labelled += uint32_t(labels[i] != kNoLabel) - uint32_t(page->labels[at] != kNoLabel);
    page->labels[at] = labels[i];
    page->values[at] = values[i];
  }
  if (before == 0) --empty_;
  labelled_ += uint64_t{page->labelled} - before;
  peak_labelled_ = std::max(peak_labelled_, labelled_);
}

ShadowPage* ShadowMemory::make(uint64_t paddr) {
  if (paddr >= kEnd) return nullptr;
  if (empty_ >= kMostEmpty) release_empty();
  Leaf& leaf = leaves_[paddr >> kLeafShift];
  if (!leaf) {
    leaf.reset(new std::unique_ptr<ShadowPage>[kLeafMask + 1]);
    ++leaf_count_;
  }
  auto& page = leaf[paddr >> kPageShift & kLeafMask];
  if (spare_.empty()) {
    page.reset(new ShadowPage());
  } else {
    page = std::move(spare_.back());
    spare_.pop_back();
  }
  pages_.push_back(paddr - paddr % kShadowPageSize);
  ++empty_;
  ++generation_;
  peak_bytes_ = std::max(peak_bytes_, bytes());
  return page.get();
}

void ShadowMemory::release_empty() {
  const auto is_empty = [this](uint64_t paddr) {
    auto& page = leaves_[paddr >> kLeafShift][paddr >> kPageShift & kLeafMask];
    if (page->labelled != 0) return false;
    spare_.push_back(std::move(page));  // its labels are none already
    return true;
  };
  pages_.erase(std::remove_if(pages_.begin(), pages_.end(), is_empty), pages_.end());
  empty_ = 0;
  if (spare_.size() > kMostEmpty) spare_.resize(kMostEmpty);
  ++generation_;
}

uint64_t ShadowMemory::bytes() const {
  return (pages_.size() + spare_.size()) * sizeof(ShadowPage) +
         pages_.capacity() * sizeof(uint64_t) + leaf_count_ * (kLeafMask + 1) * sizeof(void*) +
         (kEnd >> kLeafShift) * sizeof(Leaf);
}

}  // namespace fptrace::emu::taint
