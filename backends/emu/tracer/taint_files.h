#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backends/emu/tracer/observer.h"
#include "backends/emu/tracer/taint_memory.h"
#include "backends/emu/tracer/taint_request.h"

namespace fptrace::emu {

// Labels the bytes of files where the kernel has them: in its page cache, from where every way to
// read a file (read, mmap, splice, ...) takes them. Pages that come later are labelled when the
// kernel is done with reading them.
class FileLabels {
 public:
  explicit FileLabels(TaintEngine& engine) : engine_(engine) {}

  // An error names what the kernel lacks.
  static Result<void> set_up(Channel& channel, const GuestKernel& kernel);

  struct Source {
    std::string name;  // of its events
    uint64_t inode = 0;
    uint64_t from = 0, to = 0;  // bytes, both among them
    uint32_t first_label = 0, step = 1;
  };
  // Labels what is there already. Appends events for what was labelled.
  Result<void> add(const Sight& sight, Source source, std::vector<TaintSourceEvent>& events);
  // At a kPage stop.
  Result<void> on_page(const Sight& sight, std::vector<TaintSourceEvent>& events);

 private:
  struct Followed {
    Source source;
    uint64_t address_space = 0;
    std::map<uint64_t, uint64_t> labelled;  // physical address of each page, by its index
  };
  Result<void> label(Followed& file, const std::vector<FilePiece>& pieces,
                     std::vector<TaintSourceEvent>& events);

  TaintEngine& engine_;
  std::vector<Followed> files_;
};

}  // namespace fptrace::emu
