#pragma once
#include <cstdint>

#include "backends/emu/channel/find_wire.h"
#include "backends/emu/plugin/guest_ram.h"
#include "backends/emu/plugin/pair_map.h"
#include "backends/emu/plugin/qemu_plugin_api.h"
#include "backends/emu/plugin/registers.h"
#include "backends/emu/plugin/string_search.h"
#include "backends/emu/plugin/task_lives.h"

namespace fptrace::emu {

// A string that stands in memory after an access that touched it.
struct Occurrence {
  struct Piece {
    uint64_t paddr;
    uint32_t size;
  };
  uint64_t vaddr;   // where it begins
  Piece pieces[2];  // the string, in order: pages that follow each other need not in memory
  int piece_count;
  uint64_t pc;  // of the instruction
  bool write;
  CpuState cpu;  // at the instruction, with `rip`
};

// Checks one access against `search`, and calls `found` for each occurrence of its string that is
// a hit (see find_wire.h). It keeps nothing, so whoever wants to know of every occurrence (the
// labels of --taint-string, say) has a StringSearch of its own, registers its memory callbacks, or
// uses those it has, with QEMU_PLUGIN_CB_R_REGS, and calls this from them: `found` then gets the
// physical pieces to label. Nothing is found before GuestRam is open.
void find_in_access(const StringSearch& search, const GuestRam& ram, RegisterFile& registers,
                    qemu_plugin_meminfo_t info, uint64_t vaddr, uint64_t pc,
                    void (*found)(const Occurrence&, void*), void* context);

// fptrace replay --find: counts hits by task and place in the code, and stops at the first.
class Find {
 public:
  void set_up(Wire& wire, TaskLives& lives, const GuestRam& ram, RegisterFile& registers,
              uint64_t (*current)(), uint64_t (*count)());
  // Of each instruction that is translated. Does nothing unless it was asked for.
  void instrument(qemu_plugin_insn* instruction, uint64_t vaddr);
  bool handle(Request& request);

 private:
  static void on_access(unsigned, qemu_plugin_meminfo_t info, uint64_t vaddr, void* pc);
  void hit(const Occurrence& found);
  void begin(Request& request);
  void tell_counts(Request& request);

  Wire* wire_ = nullptr;
  TaskLives* lives_ = nullptr;
  const GuestRam* ram_ = nullptr;
  RegisterFile* registers_ = nullptr;
  uint64_t (*current_)() = nullptr;
  uint64_t (*count_)() = nullptr;
  StringSearch search_;
  bool on_ = false;
  uint64_t stops_left_ = 0;
  bool every_ = false;  // hit is to stop, not the first of a place alone
  PairMap hits_;        // by life and FoundFlags, and pc
};

}  // namespace fptrace::emu
