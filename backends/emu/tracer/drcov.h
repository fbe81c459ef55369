#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace fptrace::emu {

// Which blocks of code a process ran, as DynamoRIO's drcov writes it and disassemblers' coverage
// plugins read it.
struct DrcovModule {
  std::string path;
  uint64_t base = 0, end = 0;  // as the process had it mapped
  bool operator==(const DrcovModule&) const = default;
};
struct DrcovBlock {
  uint32_t offset = 0;  // from the module's base
  uint16_t size = 0;    // bytes
  uint16_t module = 0;  // index
  auto operator<=>(const DrcovBlock&) const = default;
};

// Version 2 of the log with version 2 of the module table, which all readers know. Pure.
std::string drcov_log(const std::vector<DrcovModule>& modules,
                      const std::vector<DrcovBlock>& blocks);

}  // namespace fptrace::emu
