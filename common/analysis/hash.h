#pragma once
#include <cstdint>
#include <functional>

#include "common/event/event.h"

namespace fptrace {

struct ProcessKeyHash {
  size_t operator()(const ProcessKey& k) const {
    return std::hash<uint64_t>()(uint64_t(uint32_t(k.pid)) << 32 | k.serial);
  }
};

// Which file, as long as it exists: inode numbers are used again after the last name is gone.
struct FileId {
  uint64_t dev = 0, ino = 0;
  auto operator<=>(const FileId&) const = default;
};
inline FileId id_of(const FileRef& f) { return {f.dev, f.ino}; }
struct FileIdHash {
  size_t operator()(const FileId& k) const {
    return std::hash<uint64_t>()(k.ino * 0x9e3779b97f4a7c15u ^ k.dev);
  }
};

}  // namespace fptrace
