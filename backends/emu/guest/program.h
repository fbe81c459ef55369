#pragma once
#include <sys/types.h>

#include "backends/emu/guest/job.h"

namespace fptrace::emu {

// The program's first process, and init's ends of its standard streams; -1: there is none.
// The output ends do not block.
struct Program {
  pid_t pid = -1;
  int input = -1, output = -1, error = -1;
  int exec_error = -1;  // an errno comes when execve fails; else the end
};

Program start_program(const Job& job);

}  // namespace fptrace::emu
