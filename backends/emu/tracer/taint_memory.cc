#include "backends/emu/tracer/taint_memory.h"

#include <algorithm>

namespace fptrace::emu {
namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

std::vector<TaintEngine::Piece> pieces_of(const AddressSpace& space,
                                          const std::vector<UserBytes>& bytes,
                                          const Labelling& with) {
  std::vector<TaintEngine::Piece> out;
  const auto tables = space.page_tables();
  if (!tables) return out;
  uint64_t done = 0;
  for (const UserBytes& one : bytes) {
    for (uint64_t at = 0; at < one.size;) {
      const uint64_t vaddr = one.vaddr + at;
      const uint64_t size = std::min(one.size - at, kPage - vaddr % kPage);
      const auto paddr = space.memory().translate(*tables, vaddr);
      if (!paddr || vaddr >> 63 != 0) return out;
      Labelling labels = with;
      labels.first += uint32_t(done) * with.step;
      out.push_back({*paddr, size, labels});
      at += size;
      done += size;
    }
  }
  return out;
}

std::vector<FilePiece> pieces_of_file(const GuestKernel& kernel, uint64_t inode, uint64_t from,
                                      uint64_t to) {
  std::vector<FilePiece> out;
  const auto& i = kernel.layout().inode;
  const uint64_t size = kernel.number(inode, i.size).value_or(0);
  const uint64_t mapping = kernel.pointer(inode, i.mapping);
  if (mapping == 0 || size == 0 || from >= size) return out;
  const PageCache cache(kernel);
  const uint64_t end = std::min(to, size - 1) + 1;
  for (uint64_t at = from; at < end;) {
    const uint64_t piece = std::min(end - at, kPage - at % kPage);
    const uint64_t page = cache.page(mapping, at / kPage);
    if (page < PageCache::kUnknown) out.push_back({at, page + at % kPage, piece});
    at += piece;
  }
  return out;
}

}  // namespace fptrace::emu
