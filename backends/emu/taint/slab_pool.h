#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace fptrace::emu::taint {

// Memory for items, in pieces that the kernel may give as one of its large pages: to get small ones
// one by one takes longer than to use them. What is given back is kept for whoever asks next. One
// thread.
template <class Item>
class SlabPool {
 public:
  // With the value that it was given back with, or Item().
  Item* take() {
    if (!spare_.empty()) {
      Item* const item = spare_.back();
      spare_.pop_back();
      return item;
    }
    if (used_ == kItems) add_slab();
    ++made_;
    return new (static_cast<Item*>(slabs_.back().get()) + used_++) Item();
  }
  void give_back(Item* item) { spare_.push_back(item); }
  // Bytes of all items that were ever needed at once.
  uint64_t bytes() const { return made_ * sizeof(Item); }

 private:
  // NOLINTNEXTLINE(bugprone-dynamic-static-initializers): constants
  static constexpr size_t kSize = size_t{2} << 20, kItems = kSize / sizeof(Item);
  struct Delete {
    void operator()(void* slab) const { ::operator delete (slab, std::align_val_t{kSize}); }
  };

  void add_slab() {
    slabs_.emplace_back(::operator new (kSize, std::align_val_t{kSize}));
    // A kernel without large pages refuses it, and that is all.
    ::madvise(slabs_.back().get(), kSize, MADV_HUGEPAGE);
    used_ = 0;
  }

  std::vector<std::unique_ptr<void, Delete>> slabs_;
  std::vector<Item*> spare_;
  size_t used_ = kItems;  // of the last slab
  uint64_t made_ = 0;
};

}  // namespace fptrace::emu::taint
