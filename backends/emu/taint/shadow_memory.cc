#include "backends/emu/taint/shadow_memory.h"

#include <optional>

namespace fptrace::emu::taint {
namespace {

// Stacks get and lose labels all the time: an emptied page stays until there are so many.
constexpr uint64_t kMostEmpty = 256;

// Calls visit(offset, size) for the part of the range in each line.
template <class Visit>
void for_each_line(uint32_t offset, uint32_t size, Visit visit) {
  for (const uint32_t end = offset + size; offset < end;) {
    const uint32_t next = std::min(end, (offset / ShadowLine::kSize + 1) * ShadowLine::kSize);
    visit(offset, next - offset);
    offset = next;
  }
}

template <class Size>
uint32_t count(const LabelId* labels, Size size) {
  return with_size(size, [labels](auto n) {
    uint32_t labelled = 0;
    for (uint32_t i = 0; i < n; ++i) labelled += labels[i] != kNoLabel;
    return labelled;
  });
}

// Of the labels of a whole line, unless each has to be told.
std::optional<ShadowLine> line_of(const LabelId* labels) {
  constexpr uint32_t kLast = ShadowLine::kSize - 1;
  const LabelId first = labels[0], last = labels[kLast];
  ShadowLine line{first, ShadowLine::kSame};
  if (first != last) {
    if ((first & last & kSingleLabel) == 0 || last - first != kLast) return std::nullopt;
    line.kind = ShadowLine::kRising;
  }
  LabelId different = 0;
  for (uint32_t i = 0; i <= kLast; ++i) different |= labels[i] ^ line.at(i);
  return different == 0 ? std::optional(line) : std::nullopt;
}

template <class Size>
bool has(const ShadowLine& line, uint32_t from, Size size, const LabelId* labels) {
  return with_size(size, [&line, from, labels](auto n) {
    LabelId different = 0;
    for (uint32_t i = 0; i < n; ++i) different |= labels[i] ^ line.at(from + i);
    return different == 0;
  });
}

}  // namespace

ShadowMemory::ShadowMemory() : leaves_(new Leaf[kEnd >> kLeafShift]) {}

bool ShadowMemory::any_in_lines(const ShadowPage& page, uint32_t offset, uint32_t size) {
  bool found = false;
  for_each_line(offset, size,
                [&](uint32_t at, uint32_t n) { found = found || any_in_line(page, at, n); });
  return found;
}

bool ShadowMemory::load_lines(const ShadowPage& page, uint32_t offset, uint32_t size,
                              LabelId* labels) {
  bool found = false;
  for_each_line(offset, size, [&](uint32_t at, uint32_t n) {
    found = load_line(page, at, n, labels + (at - offset)) || found;
  });
  return found;
}

void ShadowMemory::drop_stale(ShadowPage& page, uint32_t offset, uint32_t size,
                              const uint8_t* values) {
  uint32_t lost = 0;
  for (uint32_t i = 0; i < size; ++i)
    if (page.values[offset + i] != values[i] && page.label(offset + i) != kNoLabel)
      lost += clear_in_line(page, offset + i, 1);
  has_lost(page, lost);
}

template <class Size>
void ShadowMemory::store_sized(uint64_t paddr, Size size, const uint8_t* values,
                               const LabelId* labels) {
  if (count(labels, size) == 0) return clear(paddr, size);
  ShadowPage* page = find(paddr);
  if (!page) page = make(paddr);
  if (!page) return;
  const uint32_t offset = uint32_t(paddr % kShadowPageSize), before = page->labelled;
  if (is_in_line(offset, size))
    store_in_line(*page, offset, size, labels);
  else
    for_each_line(offset, size, [&](uint32_t at, uint32_t n) {
      store_in_line(*page, at, n, labels + (at - offset));
    });
  with_size(size, [&](auto n) {
    bool any_stored = false;
    for (uint32_t i = 0; i < n; ++i) any_stored |= LabelSets::is_stored(labels[i]);
    page->may_be_stored |= any_stored;
    std::memcpy(page->values + offset, values, n);
  });
  if (before == 0) --empty_;
  labelled_ += uint64_t{page->labelled} - before;
  peak_labelled_ = std::max(peak_labelled_, labelled_);
}

template <class Size>
void ShadowMemory::store_in_line(ShadowPage& page, uint32_t offset, Size size,
                                 const LabelId* labels) {
  ShadowLine& line = page.line(offset);
  const uint32_t from = offset % ShadowLine::kSize, begin = offset - from;
  if (line.kind != ShadowLine::kEach) {
    if (has(line, from, size, labels)) return;
    if (const auto whole = size == ShadowLine::kSize ? line_of(labels) : std::nullopt) {
      page.labelled -= line.first != kNoLabel ? ShadowLine::kSize : 0;
      page.labelled += whole->first != kNoLabel ? ShadowLine::kSize : 0;
      line = *whole;
      return;
    }
    tell_each(page, begin);
  }
  LabelId* const mine = page.labels->of + offset;
  page.labelled += count(labels, size) - count(mine, size);
  with_size(size, [&](auto n) { std::memcpy(mine, labels, n * sizeof(LabelId)); });
  // Who writes to one byte after the other comes to the end last.
  if (from + size == ShadowLine::kSize)
    if (const auto whole = line_of(page.labels->of + begin)) line = *whole;
}

void ShadowMemory::store(uint64_t paddr, uint32_t size, const uint8_t* values,
                         const LabelId* labels) {
  with_size(size, [&](auto n) { store_sized(paddr, n, values, labels); });
}

template <uint32_t kSize>
void ShadowMemory::store(uint64_t paddr, SizeConstant<kSize> size, const uint8_t* values,
                         const LabelId* labels) {
  store_sized(paddr, size, values, labels);
}
#define FPTRACE_STORE(size)                                                             \
  template void ShadowMemory::store(uint64_t paddr, SizeConstant<size>, const uint8_t*, \
                                    const LabelId*)
FPTRACE_STORE(1);
FPTRACE_STORE(2);
FPTRACE_STORE(4);
FPTRACE_STORE(8);
FPTRACE_STORE(16);
#undef FPTRACE_STORE

void ShadowMemory::clear(ShadowPage& page, uint32_t offset, uint32_t size) {
  uint32_t lost = 0;
  for_each_line(offset, size, [&](uint32_t at, uint32_t n) { lost += clear_in_line(page, at, n); });
  has_lost(page, lost);
}

// Returns how many labels it had there.
uint32_t ShadowMemory::clear_in_line(ShadowPage& page, uint32_t offset, uint32_t size) {
  ShadowLine& line = page.line(offset);
  if (line.kind != ShadowLine::kEach) {
    if (line.first == kNoLabel) return 0;
    if (size == ShadowLine::kSize) {
      line = {};
      return size;
    }
    tell_each(page, offset / ShadowLine::kSize * ShadowLine::kSize);
  }
  LabelId* const mine = page.labels->of + offset;
  const uint32_t lost = count(mine, size);
  std::fill_n(mine, size, kNoLabel);
  return lost;
}

void ShadowMemory::has_lost(ShadowPage& page, uint32_t labels) {
  if (labels == 0) return;
  labelled_ -= labels;
  page.labelled -= labels;
  if (page.labelled != 0) return;
  ++empty_;
  std::fill(std::begin(page.lines), std::end(page.lines), ShadowLine());
}

// The line that begins there.
void ShadowMemory::tell_each(ShadowPage& page, uint32_t begin) {
  if (!page.labels) page.labels = labels_pool_.take();
  ShadowLine& line = page.line(begin);
  for (uint32_t i = 0; i < ShadowLine::kSize; ++i) page.labels->of[begin + i] = line.at(i);
  line.kind = ShadowLine::kEach;
}

ShadowPage* ShadowMemory::make(uint64_t paddr) {
  if (paddr >= kEnd) return nullptr;
  if (empty_ >= kMostEmpty) release_empty();
  Leaf& leaf = leaves_[paddr >> kLeafShift];
  if (!leaf) {
    leaf = std::make_unique<ShadowPage*[]>(kLeafMask + 1);
    ++leaf_count_;
  }
  ShadowPage* const page = leaf[paddr >> kPageShift & kLeafMask] = page_pool_.take();
  pages_.push_back(paddr - paddr % kShadowPageSize);
  ++empty_;
  ++generation_;
  return page;
}

void ShadowMemory::release_empty() {
  const auto is_empty = [this](uint64_t paddr) {
    ShadowPage*& page = leaves_[paddr >> kLeafShift][paddr >> kPageShift & kLeafMask];
    if (page->labelled != 0) return false;
    if (page->labels) labels_pool_.give_back(page->labels);
    page->labels = nullptr;
    page_pool_.give_back(page);  // its lines have no labels already
    page = nullptr;
    return true;
  };
  pages_.erase(std::remove_if(pages_.begin(), pages_.end(), is_empty), pages_.end());
  empty_ = 0;
  ++generation_;
}

uint64_t ShadowMemory::bytes() const {
  return page_pool_.bytes() + labels_pool_.bytes() + pages_.capacity() * sizeof(uint64_t) +
         leaf_count_ * (kLeafMask + 1) * sizeof(void*) + (kEnd >> kLeafShift) * sizeof(Leaf);
}

}  // namespace fptrace::emu::taint
