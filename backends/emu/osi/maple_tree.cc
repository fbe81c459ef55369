#include "backends/emu/osi/maple_tree.h"

#include <algorithm>
#include <array>
#include <optional>

namespace fptrace::emu {
namespace {

constexpr unsigned kMaxDepth = 32, kMaxNodes = 1 << 20;
constexpr size_t kMostSlots = 32;

// Entries that are nodes carry their type in bits that addresses of nodes have free. A root may
// also be the only entry itself; below, what is a node follows from the type of the one above.
enum class NodeType : uint64_t { kDense, kLeaf, kRange, kAllocationRange };
bool is_node_root(uint64_t root) { return (root & 3) == 2 && root > 4096; }
NodeType type_of(uint64_t entry) { return NodeType(entry >> 3 & 0xf); }

// A node's slots: slot i has the range up to bounds[i], from behind the one before.
struct Node {
  std::array<uint64_t, kMostSlots> bounds, slots;
  size_t count = 0;
  bool is_leaf = false;
};

// `least`, `most`: the range of the node. A node whose ranges do not lie in it in order is damaged;
// so no node can be met in many places of a tree.
std::optional<Node> read_node(const GuestKernel& kernel, uint64_t entry, uint64_t least,
                              uint64_t most) {
  const auto& m = kernel.layout().maple;
  const NodeType type = type_of(entry);
  const bool is_allocation = type == NodeType::kAllocationRange;
  if (!is_allocation && type != NodeType::kLeaf && type != NodeType::kRange) return std::nullopt;
  const Member pivots = is_allocation ? m.arange_pivots : m.range_pivots;
  const Member slots = is_allocation ? m.arange_slots : m.range_slots;
  const size_t pivot_count = pivots.size / sizeof(uint64_t), count = slots.size / sizeof(uint64_t);
  if (count > kMostSlots || pivot_count > count) return std::nullopt;
  Node node;
  node.is_leaf = type == NodeType::kLeaf;
  const uint64_t address = entry & ~uint64_t{0xff};
  const auto read = [&](Member member, std::array<uint64_t, kMostSlots>& out, size_t n) {
    const auto bytes = std::as_writable_bytes(std::span(out).first(n));
    return kernel.read(address + member.offset, bytes) == bytes.size();
  };
  if (!read(pivots, node.bounds, pivot_count) || !read(slots, node.slots, count))
    return std::nullopt;
  // The last used slot's pivot is left out where its range ends with the node's.
  for (size_t i = 0; i < count; ++i) {
    if (i >= pivot_count || (node.bounds[i] == 0 && i > 0)) node.bounds[i] = most;
    if (node.bounds[i] > most || node.bounds[i] < least) return std::nullopt;
    ++node.count;
    if (node.bounds[i] == most) break;
    least = node.bounds[i] + 1;
  }
  return node;
}

class Walk {
 public:
  Walk(const GuestKernel& kernel, const std::function<bool(uint64_t)>& visit)
      : kernel_(kernel), visit_(visit) {}

  // False: stop.
  bool visit(uint64_t entry, uint64_t least, uint64_t most, unsigned depth) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) return false;
    const auto node = read_node(kernel_, entry, least, most);
    if (!node) return true;
    for (size_t i = 0; i < node->count; ++i) {
      const uint64_t slot = node->slots[i], begin = least;
      least = node->bounds[i] + 1;  // 0 behind the last one
      if (slot == 0) continue;
      if (node->is_leaf ? !visit_(slot) : !visit(slot, begin, node->bounds[i], depth + 1))
        return false;
    }
    return true;
  }

 private:
  const GuestKernel& kernel_;
  const std::function<bool(uint64_t)>& visit_;
  unsigned nodes_ = 0;
};

}  // namespace

void each_in_maple_tree(const GuestKernel& kernel, uint64_t root,
                        const std::function<bool(uint64_t)>& visit) {
  if (is_node_root(root)) {
    Walk(kernel, visit).visit(root, 0, ~uint64_t{0}, 0);
  } else if (root != 0) {
    visit(root);  // the only entry
  }
}

uint64_t find_in_maple_tree(const GuestKernel& kernel, uint64_t root, uint64_t index) {
  if (!is_node_root(root)) return root;
  uint64_t at = root, least = 0, most = ~uint64_t{0};
  for (unsigned depth = 0; depth < kMaxDepth; ++depth) {
    const auto node = read_node(kernel, at, least, most);
    if (!node) return 0;
    size_t i = 0;
    while (i + 1 < node->count && node->bounds[i] < index) ++i;
    at = node->slots[i];
    if (i > 0) least = node->bounds[i - 1] + 1;
    most = node->bounds[i];
    if (node->is_leaf) return at;
  }
  return 0;
}

}  // namespace fptrace::emu
