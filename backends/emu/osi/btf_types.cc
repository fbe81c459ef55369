#include "backends/emu/osi/btf_types.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>

#include <cerrno>
#include <limits>

namespace fptrace::emu {
namespace {

// More than any kernel's types need; they cut circles.
constexpr unsigned kMaxModifiers = 32, kMaxMembers = 20'000, kMaxDepth = 16;

// libbpf would write its complaints to standard error, which is the traced program's.
void silence_libbpf() { libbpf_set_print(nullptr); }

}  // namespace

struct BtfTypes::Found {
  uint64_t offset;  // in bits
  uint32_t type;
};

void BtfTypes::Free::operator()(btf* types) const { btf__free(types); }

BtfTypes::BtfTypes(btf* types) : types_(types) { index(); }

Result<BtfTypes> BtfTypes::parse(std::span<const std::byte> bytes) {
  silence_libbpf();
  if (bytes.size() > std::numeric_limits<uint32_t>::max())
    return fail(Errc::kParse, "kernel BTF: larger than 4 GiB");
  btf* types = btf__new(bytes.data(), uint32_t(bytes.size()));
  if (types == nullptr) return fail(Errc::kParse, "kernel BTF: not valid", errno);
  return BtfTypes(types);
}

Result<BtfTypes> BtfTypes::load(const std::string& path) {
  silence_libbpf();
  btf* types = btf__parse(path.c_str(), nullptr);
  if (types == nullptr) return fail_errno("read kernel BTF of " + path);
  return BtfTypes(types);
}

std::string_view BtfTypes::name_at(uint32_t offset) const {
  const char* name = btf__name_by_offset(types_.get(), offset);
  return name != nullptr ? std::string_view(name) : std::string_view();
}

void BtfTypes::index() {
  const uint32_t count = btf__type_cnt(types_.get());
  for (uint32_t id = 1; id < count; ++id) {
    const btf_type* t = btf__type_by_id(types_.get(), id);
    if (t == nullptr) continue;
    if (btf_is_composite(t) || btf_is_enum(t)) {
      const auto name = name_at(t->name_off);
      if (!name.empty()) (btf_is_enum(t) ? enums_ : structs_).emplace(name, id);
    } else if (btf_is_datasec(t) && name_at(t->name_off).starts_with(".data..percpu")) {
      const btf_var_secinfo* variables = btf_var_secinfos(t);
      for (uint32_t i = 0; i < btf_vlen(t); ++i) {
        const btf_type* variable = btf__type_by_id(types_.get(), variables[i].type);
        if (variable != nullptr) per_cpu_.emplace(name_at(variable->name_off), variables[i].offset);
      }
    }
  }
}

uint32_t BtfTypes::without_modifiers(uint32_t type) const {
  for (unsigned i = 0; i < kMaxModifiers; ++i) {
    const btf_type* t = btf__type_by_id(types_.get(), type);
    if (t == nullptr) return 0;
    if (!btf_is_mod(t) && !btf_is_typedef(t)) return type;
    type = t->type;
  }
  return 0;
}

uint32_t BtfTypes::size_of_type(uint32_t type) const {
  uint64_t count = 1;
  for (unsigned i = 0; i < kMaxModifiers; ++i) {
    const btf_type* t = btf__type_by_id(types_.get(), without_modifiers(type));
    if (t == nullptr) return 0;
    if (btf_is_array(t)) {
      count *= btf_array(t)->nelems;
      type = btf_array(t)->type;
      if (count > std::numeric_limits<uint32_t>::max()) return 0;
      continue;
    }
    const bool has_size =
        btf_is_composite(t) || btf_is_int(t) || btf_is_any_enum(t) || btf_is_float(t);
    if (!has_size && !btf_is_ptr(t)) return 0;
    const uint64_t size = count * (btf_is_ptr(t) ? sizeof(uint64_t) : t->size);
    return size <= std::numeric_limits<uint32_t>::max() ? uint32_t(size) : 0;
  }
  return 0;
}

// The member `name` of a structure, in it or in its unnamed members. `budget`: how many members may
// still be looked at.
std::optional<BtfTypes::Found> BtfTypes::find(uint32_t type, std::string_view name,
                                              unsigned& budget, unsigned depth) const {
  const btf_type* t = btf__type_by_id(types_.get(), without_modifiers(type));
  if (t == nullptr || !btf_is_composite(t) || depth > kMaxDepth) return std::nullopt;
  const btf_member* members = btf_members(t);
  for (uint32_t i = 0; i < btf_vlen(t); ++i) {
    if (budget == 0) return std::nullopt;
    --budget;
    const uint64_t offset = btf_member_bit_offset(t, i);
    const auto own = name_at(members[i].name_off);
    if (own == name && !own.empty()) {
      if (btf_member_bitfield_size(t, i) != 0) return std::nullopt;
      return Found{offset, members[i].type};
    }
    if (!own.empty()) continue;
    if (const auto inner = find(members[i].type, name, budget, depth + 1))
      return Found{offset + inner->offset, inner->type};
  }
  return std::nullopt;
}

std::optional<Member> BtfTypes::member(std::string_view type, std::string_view path) const {
  const auto it = structs_.find(type);
  if (it == structs_.end()) return std::nullopt;
  Found at{0, it->second};
  while (!path.empty()) {
    const auto name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    unsigned budget = kMaxMembers;
    const auto found = find(at.type, name, budget, 0);
    if (!found) return std::nullopt;
    at = {at.offset + found->offset, found->type};
  }
  if (at.offset % 8 != 0 || at.offset / 8 >= Member::kAbsent) return std::nullopt;
  return Member{uint32_t(at.offset / 8), size_of_type(at.type)};
}

std::optional<uint32_t> BtfTypes::size_of(std::string_view type) const {
  const auto it = structs_.find(type);
  if (it == structs_.end()) return std::nullopt;
  return size_of_type(it->second);
}

std::optional<uint32_t> BtfTypes::per_cpu_offset(std::string_view variable) const {
  const auto it = per_cpu_.find(variable);
  if (it == per_cpu_.end()) return std::nullopt;
  return it->second;
}

std::optional<uint32_t> BtfTypes::enum_value(std::string_view type, std::string_view name) const {
  const auto it = enums_.find(type);
  if (it == enums_.end()) return std::nullopt;
  const btf_type* t = btf__type_by_id(types_.get(), it->second);
  for (uint32_t i = 0; t != nullptr && i < btf_vlen(t); ++i)
    if (name_at(btf_enum(t)[i].name_off) == name) return uint32_t(btf_enum(t)[i].val);
  return std::nullopt;
}

}  // namespace fptrace::emu
