#pragma once
#include <cstdint>

#include "backends/emu/channel/wire.h"
#include "backends/emu/plugin/qemu_plugin_api.h"
#include "backends/emu/plugin/registers.h"
#include "backends/emu/plugin/task_lives.h"

namespace fptrace::emu {

// Reports blocks of programs' code; see coverage_wire.h.
class Coverage {
 public:
  // Once, when the plugin is loaded. `current` tells the current task.
  void set_up(Wire& wire, TaskLives& lives, RegisterFile& registers, uint64_t (*current)(),
              uint64_t (*count)());
  // Of each block of user code that is translated. Does nothing unless it was asked for.
  void instrument(qemu_plugin_tb* block);

  bool handle(const Request& request);
  // A task has another life, or is watched or not any more.
  void look_again() { last_task_ = 0; }

 private:
  struct Block;
  static void on_block(unsigned, void* block);
  void run(Block& block);

  Wire* wire_ = nullptr;
  TaskLives* lives_ = nullptr;
  RegisterFile* registers_ = nullptr;
  uint64_t (*current_)() = nullptr;
  uint64_t (*count_)() = nullptr;
  bool on_ = false;
  uint64_t last_task_ = 0;
  uint64_t last_life_ = 0;  // 0: it is not watched
  PairMap seen_;            // by life and size, and address
};

}  // namespace fptrace::emu
