#pragma once
#include <cstdint>

#include "backends/emu/channel/wire.h"
#include "backends/emu/plugin/guest_ram.h"
#include "backends/emu/plugin/instruction.h"
#include "backends/emu/plugin/qemu_plugin_api.h"

namespace fptrace::emu {

struct CodeBlock;

// What following labels needs of the rest of the plugin.
struct TaintHost {
  Wire* wire;
  const GuestRam* ram;
  // Instructions begun, with the one that runs: the sum of the two.
  const uint64_t* counter;
  const uint64_t* counter_base;
  uint64_t (*current_task)();           // 0: not known
  uint64_t (*pc)(uint64_t translated);  // RegisterFile::pc
};

// Follows labels through the guest (see taint/ and channel/taint_wire.h). All functions are for the
// vCPU's thread: TaintFeed is what it does there, LabelFollower what is done on a thread beside it.

// When there is a vCPU, if the host wants taint; without it none of the others may be called.
void start_taint(const TaintHost& host);

// When a block is translated, before other callbacks of it are registered.
CodeBlock& taint_block(qemu_plugin_tb* block, bool is_user, bool is_64bit);
// Of each of its instructions, after it is counted, before other callbacks.
void taint_instruction(qemu_plugin_insn* instruction, CodeBlock& block, uint32_t index,
                       InstructionKind kind);

// Before a stop is written: what the guest did until now is carried out, and reported.
void finish_taint();

}  // namespace fptrace::emu
