#include "backends/emu/osi/dentry_lookup.h"

#include <bit>
#include <cstring>

#include "backends/emu/osi/kernel_list.h"

namespace fptrace::emu {

uint32_t dentry_hash(uint64_t parent, std::string_view name) {
  constexpr uint64_t kGolden = 0x61C8864680B583EB;  // include/linux/hash.h
  uint64_t x = 0, y = parent;
  while (!name.empty()) {
    uint64_t word = 0;
    const size_t size = std::min(name.size(), sizeof word);
    std::memcpy(&word, name.data(), size);
    name.remove_prefix(size);
    x ^= word;
    if (size < sizeof word) break;
    y ^= x;
    x = std::rotl(x, 12) + y;
    y = std::rotl(y, 45) * 9;
  }
  y = (y ^ x * kGolden) * kGolden;
  return uint32_t(y >> 32);
}

DentryLookup::DentryLookup(const GuestNames& names)
    : names_(&names),
      hash_table_(names.kernel().symbol("dentry_hashtable")),
      hash_shift_(names.kernel().symbol("d_hash_shift")) {}

bool DentryLookup::is_child(uint64_t dentry, uint64_t parent, std::string_view name) const {
  const GuestKernel& kernel = names_->kernel();
  const auto& d = kernel.layout().dentry;
  return kernel.pointer(dentry, d.parent) == parent && dentry != parent &&
         kernel.pointer(dentry, d.hash_pprev) != 0 &&  // else removed, or not yet there
         kernel.number(dentry, d.name_len) == name.size() && names_->component(dentry) == name;
}

void DentryLookup::try_hashing(uint64_t dentry, uint64_t parent) {
  const GuestKernel& kernel = names_->kernel();
  const auto hash = kernel.number(dentry, kernel.layout().dentry.name_hash);
  const bool has_table = hash_table_ != 0 && hash_shift_ != 0;
  hashing_ = has_table && hash == dentry_hash(parent, names_->component(dentry))
                 ? Hashing::kWorks
                 : Hashing::kDiffers;
}

uint64_t DentryLookup::child_by_hash(uint64_t parent, std::string_view name) const {
  const GuestKernel& kernel = names_->kernel();
  const auto& d = kernel.layout().dentry;
  const auto table = kernel.value<uint64_t>(hash_table_);
  const auto shift = kernel.value<uint32_t>(hash_shift_);
  if (!table || !shift || *shift > 31) return 0;
  const uint32_t hash = dentry_hash(parent, name);
  uint64_t found = 0;
  each_in_hlist(kernel, *table + (hash >> *shift) * sizeof(uint64_t), d.hash_next,
                [&](uint64_t at) {
                  if (kernel.number(at, d.name_hash) == hash && is_child(at, parent, name))
                    found = at;
                  return found == 0;
                });
  return found;
}

uint64_t DentryLookup::child_in_list(uint64_t parent, std::string_view name) {
  const GuestKernel& kernel = names_->kernel();
  const auto& d = kernel.layout().dentry;
  uint64_t found = 0;
  const auto take = [&](uint64_t at) {
    if (hashing_ == Hashing::kUntried && kernel.pointer(at, d.hash_pprev) != 0)
      try_hashing(at, parent);
    if (is_child(at, parent, name)) found = at;
    return found == 0;
  };
  if (d.children && d.siblings) {
    each_in_hlist(kernel, parent + d.children.offset, d.siblings, take);
  } else {
    each_in_list(kernel, parent + d.subdirs.offset, d.child, take);
  }
  return found;
}

uint64_t DentryLookup::child(uint64_t parent, std::string_view name) {
  const GuestKernel& kernel = names_->kernel();
  const auto& d = kernel.layout().dentry;
  // Some file systems have a hash of their own (names without case).
  const uint64_t ops = kernel.pointer(parent, d.ops);
  const bool plain = ops == 0 || kernel.pointer(ops, d.op_hash) == 0;
  if (hashing_ == Hashing::kWorks && plain) return child_by_hash(parent, name);
  return child_in_list(parent, name);
}

Place DentryLookup::covered(Place place) const {
  const GuestKernel& kernel = names_->kernel();
  const auto& m = kernel.layout().mount;
  for (CycleGuard<> guard; !guard.repeats(place.mount);) {
    uint64_t above = 0;
    each_in_list(kernel, place.mount + m.mounts.offset, m.child, [&](uint64_t mount) {
      if (kernel.pointer(mount, m.mountpoint) == place.dentry) above = mount;
      return above == 0;
    });
    if (above == 0) break;
    place = {above, kernel.pointer(above, m.root)};
  }
  return place;
}

}  // namespace fptrace::emu
