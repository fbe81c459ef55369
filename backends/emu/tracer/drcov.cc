#include "backends/emu/tracer/drcov.h"

#include <array>
#include <cstdio>

namespace fptrace::emu {
namespace {

std::string row(size_t number, const DrcovModule& module) {
  std::array<char, 128> text{};
  std::snprintf(text.data(), text.size(), "%3zu, 0x%016llx, 0x%016llx, 0x%016llx, ", number,
                static_cast<unsigned long long>(module.base),
                static_cast<unsigned long long>(module.end), 0ULL);
  std::string out = text.data();
  // A table of lines has no room for a line feed in a name.
  for (const char c : module.path) out += c == '\n' || c == '\r' ? '?' : c;
  return out + '\n';
}

}  // namespace

std::string drcov_log(const std::vector<DrcovModule>& modules,
                      const std::vector<DrcovBlock>& blocks) {
  std::string out = "DRCOV VERSION: 2\nDRCOV FLAVOR: drcov\n";
  out += "Module Table: version 2, count " + std::to_string(modules.size()) + "\n";
  out += "Columns: id, base, end, entry, path\n";
  for (size_t i = 0; i < modules.size(); ++i) out += row(i, modules[i]);
  out += "BB Table: " + std::to_string(blocks.size()) + " bbs\n";
  static_assert(sizeof(DrcovBlock) == 8);  // as in the file: little endian, without gaps
  out.append(reinterpret_cast<const char*>(blocks.data()), blocks.size() * sizeof(DrcovBlock));
  return out;
}

}  // namespace fptrace::emu
