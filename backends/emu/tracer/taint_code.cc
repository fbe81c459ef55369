#include "backends/emu/tracer/taint_code.h"

#include "backends/emu/osi/address_space.h"

namespace fptrace::emu {
namespace {

constexpr uint64_t kMostBytes = uint64_t{256} << 20;  // of an object that is worth the time

// From the disk, which has all of it; what the run itself made is in the guest's memory alone.
std::string content_of(const Sight& sight, uint64_t inode, uint64_t number, uint64_t size) {
  std::string content(size, '\0');
  const auto first = sight.disk ? sight.disk->file(number) : std::nullopt;
  size_t have = 0;
  while (first && first->size == size && have < size) {
    const auto n = sight.disk->read(number, have, std::span(content).subspan(have));
    if (!n || *n == 0) break;
    have += *n;
  }
  if (have < size)
    have = PageCache(sight.guest.kernel())
               .read(inode, 0, std::as_writable_bytes(std::span(content)), false);
  content.resize(have);
  return content;
}

}  // namespace

const CodeNames* TaintCode::names_of(const Sight& sight, uint64_t inode, Identity identity) {
  const auto [it, is_new] = objects_.try_emplace(identity);
  if (is_new) {
    const GuestKernel& kernel = sight.guest.kernel();
    const uint64_t size = kernel.number(inode, kernel.layout().inode.size).value_or(0);
    if (size > 0 && size <= kMostBytes) {
      auto names = CodeNames::read(content_of(sight, inode, identity.second, size));
      if (names) it->second = *std::move(names);
    }
  }
  return it->second ? &*it->second : nullptr;
}

CodePlace TaintCode::place(const Sight& sight, uint64_t task, uint64_t vaddr) {
  CodePlace place;
  place.address = vaddr;
  if (vaddr >> 63 != 0) {
    place.object = "[kernel]";
    return place;
  }
  const AddressSpace space(sight.guest.names(), sight.guest.mm(task));
  const auto mapping = space.mapping_at(vaddr);
  if (!mapping) return place;
  place.object = space.name(*mapping).path;
  place.offset = mapping->file_offset + (vaddr - mapping->begin);
  if (mapping->file == 0) return place;
  const GuestKernel& kernel = sight.guest.kernel();
  const uint64_t inode = kernel.pointer(mapping->file, kernel.layout().file.inode);
  const FileRef file = sight.guest.names().properties(inode);
  if (const CodeNames* names = names_of(sight, inode, {file.dev, file.ino})) {
    auto name = names->at(place.offset);
    place.symbol = std::move(name.symbol);
    place.source = std::move(name.source);
    place.line = name.line;
  }
  return place;
}

}  // namespace fptrace::emu
