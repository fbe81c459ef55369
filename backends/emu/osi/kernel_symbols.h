#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>

#include "backends/emu/osi/vmcoreinfo.h"
#include "common/base/result.h"

namespace fptrace::emu {

using SymbolMap = std::map<std::string, uint64_t, std::less<>>;

// Copies kernel memory at a virtual address; returns how many bytes could be read.
using KernelRead = std::function<size_t(uint64_t vaddr, std::span<std::byte> out)>;

// The addresses of those of `wanted` that the kernel's own symbol table has (kernel/kallsyms.c: the
// names are packed with a table of 256 tokens, in the same order as the table of addresses).
// The tables may say anything; what does not fit together is an error.
Result<SymbolMap> find_symbols(const VmcoreInfo& info, const KernelRead& read,
                               const std::set<std::string, std::less<>>& wanted);

struct NamedAddress {
  std::string function;
  uint64_t offset = 0;  // in it
};
// In which functions of the kernel these addresses lie. One that lies in none, or in a module, is
// left out.
Result<std::map<uint64_t, NamedAddress>> name_code(const VmcoreInfo& info, const KernelRead& read,
                                                   const std::set<uint64_t>& addresses);

}  // namespace fptrace::emu
