#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fptrace {

struct ProgramStrings {
  std::vector<std::string> argv, env;
  bool operator==(const ProgramStrings&) const = default;
};

// Pure. The strings that the kernel laid out for a new program: `bytes` is its memory from the
// initial stack pointer `addr` on, with argc, the pointers to the arguments, NULL, those to the
// environment, NULL (System V ABI, "Initial Stack and Register State"); the strings follow above.
// `narrow`: a 32-bit program. nullopt: not all of it is in `bytes`.
std::optional<ProgramStrings> parse_initial_stack(std::string_view bytes, uint64_t addr,
                                                  bool narrow);

}  // namespace fptrace
