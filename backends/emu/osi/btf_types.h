#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/result.h"

struct btf;  // libbpf's

namespace fptrace::emu {

// Where a member lies in its structure, in bytes.
struct Member {
  static constexpr uint32_t kAbsent = ~uint32_t{0};
  uint32_t offset = kAbsent;
  uint32_t size = 0;

  explicit operator bool() const { return offset != kAbsent; }
};

// What a kernel's BTF (Documentation/bpf/btf.rst) says about its types. The bytes may be a guest's
// and so hostile: types that refer to each other in circles, or to nothing, are as if not there.
class BtfTypes {
 public:
  static Result<BtfTypes> parse(std::span<const std::byte> bytes);
  // Of a file: raw BTF, or an ELF file with a .BTF section, as a kernel built with it is.
  static Result<BtfTypes> load(const std::string& path);

  // `path` is "member", or "member.member" down into embedded structures. Members of unnamed
  // structures and unions count as their owner's. No bit fields.
  std::optional<Member> member(std::string_view type, std::string_view path) const;
  std::optional<uint32_t> size_of(std::string_view type) const;
  // Of a variable in the per-CPU section, from the section's start.
  std::optional<uint32_t> per_cpu_offset(std::string_view variable) const;
  std::optional<uint32_t> enum_value(std::string_view type, std::string_view name) const;

 private:
  struct Free {
    void operator()(btf* types) const;
  };
  struct Found;
  explicit BtfTypes(btf* types);
  void index();
  std::optional<Found> find(uint32_t type, std::string_view name, unsigned& budget,
                            unsigned depth) const;
  uint32_t without_modifiers(uint32_t type) const;
  uint32_t size_of_type(uint32_t type) const;
  std::string_view name_at(uint32_t offset) const;

  std::unique_ptr<btf, Free> types_;
  std::unordered_map<std::string_view, uint32_t> structs_, enums_;  // keys are libbpf's
  std::unordered_map<std::string_view, uint32_t> per_cpu_;          // offsets
};

}  // namespace fptrace::emu
