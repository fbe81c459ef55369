#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "backends/emu/tracer/observer.h"
#include "common/elf/code_names.h"

namespace fptrace::emu {

// Says where an instruction of a guest's process is, in words: the object, and what its symbols and
// its line table call the place.
class TaintCode {
 public:
  // While the process lives and has the object mapped.
  CodePlace place(const Sight& sight, uint64_t task, uint64_t vaddr);

 private:
  using Identity = std::pair<uint64_t, uint64_t>;  // device and inode
  const CodeNames* names_of(const Sight& sight, uint64_t inode, Identity identity);

  std::map<Identity, std::optional<CodeNames>> objects_;
};

}  // namespace fptrace::emu
