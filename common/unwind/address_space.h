#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/task/task_view.h"
#include "common/unwind/object.h"

namespace fptrace::unwind {

// Objects by the file that they were mapped from: most processes map the same few. A program that
// falsifies its own copy of a library in memory may have that copy taken for the library.
class ObjectCache {
 public:
  // nullptr: what starts at `region` is no ELF object for x86.
  std::shared_ptr<const Object> find(TaskView& task, const MemoryRegion& region);

 private:
  struct Key {
    uint64_t dev = 0, ino = 0;
    std::string path;
    std::string header;  // the same file may be rewritten in between
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::shared_ptr<const Object>> objects_;
  size_t held_ = 0;  // bytes, about
};

// One object as one process has it mapped.
struct Module {
  std::string path;
  uint64_t base = 0;
  std::shared_ptr<const Object> object;  // null: not understood
  uint64_t to_own(uint64_t addr) const { return object ? addr - object->bias(base) : addr; }
  uint64_t to_task(uint64_t addr) const { return object ? addr + object->bias(base) : addr; }
};

// Where a process has its code. A snapshot: it is for the user to know when it is out of date.
class AddressSpace {
 public:
  static Result<AddressSpace> read(TaskView& task);

  bool executable(uint64_t addr) const { return region_at(addr) != nullptr; }
  // The object whose code lies at `addr`; nullptr for anonymous memory (a JIT's) and for none.
  // Valid as long as this is.
  const Module* module_at(uint64_t addr, TaskView& task, ObjectCache& cache);

 private:
  const MemoryRegion* region_at(uint64_t addr) const;  // if executable
  const MemoryRegion* start_of(const MemoryRegion& region) const;

  std::vector<MemoryRegion> regions_;   // by address
  std::map<uint64_t, Module> modules_;  // by base
};

}  // namespace fptrace::unwind
