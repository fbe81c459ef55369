#include "common/unwind/address_space.h"

#include <algorithm>

namespace fptrace::unwind {
namespace {

// Beyond this the cache starts anew: a program could make objects without end.
constexpr size_t kMostHeld = 512 << 20;
constexpr size_t kHeldPerObject = 16 << 10;

// An object has a handful of segments, with perhaps some of its pages remapped between them.
constexpr ptrdiff_t kMostPieces = 64;

bool is_vdso(const MemoryRegion& region) { return region.path == "[vdso]"; }
bool has_object(const MemoryRegion& region) {
  return is_vdso(region) || (!region.path.empty() && region.path[0] != '[');
}
bool same_file(const MemoryRegion& a, const MemoryRegion& b) {
  return a.dev == b.dev && a.ino == b.ino && a.path == b.path;
}

}  // namespace

std::shared_ptr<const Object> ObjectCache::find(TaskView& task, const MemoryRegion& region) {
  std::string header(Object::kHeaderSize, '\0');
  header.resize(task.read_memory(region.begin, header.data(), header.size()));
  Key key{region.dev, region.ino, region.path, std::move(header)};
  if (const auto found = objects_.find(key); found != objects_.end()) return found->second;
  auto object = Object::read(task, region.begin, key.header);
  held_ += kHeldPerObject + (object ? object->memory() : 0);
  if (held_ > kMostHeld) {
    objects_.clear();
    held_ = kHeldPerObject + (object ? object->memory() : 0);
  }
  objects_.emplace(std::move(key), object);
  return object;
}

Result<AddressSpace> AddressSpace::read(TaskView& task) {
  auto regions = task.memory_map();
  if (!regions) return fail(regions.error());
  AddressSpace space;
  space.regions_ = *std::move(regions);
  return space;
}

const MemoryRegion* AddressSpace::region_at(uint64_t addr) const {
  const auto next = std::ranges::upper_bound(regions_, addr, {}, &MemoryRegion::begin);
  if (next == regions_.begin()) return nullptr;
  const MemoryRegion& region = *std::prev(next);
  return region.executable && addr < region.end ? &region : nullptr;
}

// Where the same file's beginning is mapped, nearest below.
const MemoryRegion* AddressSpace::start_of(const MemoryRegion& region) const {
  const MemoryRegion* const lowest =
      &region - std::min<ptrdiff_t>(kMostPieces, &region - regions_.data());
  for (const MemoryRegion* at = &region; at >= lowest; --at)
    if (same_file(*at, region) && (at->offset == 0 || is_vdso(*at))) return at;
  return nullptr;
}

const Module* AddressSpace::module_at(uint64_t addr, TaskView& task, ObjectCache& cache) {
  const MemoryRegion* region = region_at(addr);
  if (region == nullptr || !has_object(*region)) return nullptr;
  const MemoryRegion* start = start_of(*region);
  const uint64_t base = start ? start->begin : region->begin;
  const auto [it, added] = modules_.try_emplace(base);
  if (added) it->second = {region->path, base, start ? cache.find(task, *start) : nullptr};
  return &it->second;
}

}  // namespace fptrace::unwind
