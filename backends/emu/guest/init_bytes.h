#pragma once
#include <string_view>

namespace fptrace::emu {

// The guest's init, an ELF program.
std::string_view init_bytes();

}  // namespace fptrace::emu
