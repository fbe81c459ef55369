#include "backends/emu/osi/vmcoreinfo.h"

#include "common/base/scanner.h"

namespace fptrace::emu {
namespace {

bool take_hex(std::string_view text, uint64_t& out) {
  Scanner s(text);
  return s.hex(out) && s.rest().empty();
}

bool take_signed(std::string_view text, uint64_t& out) {
  Scanner s(text);
  int64_t value = 0;
  if (!s.dec(value) || !s.rest().empty()) return false;
  out = uint64_t(value);
  return true;
}

// "SYMBOL(kallsyms_names)" -> "names".
std::string_view symbol_table(std::string_view key) {
  constexpr std::string_view kHead = "SYMBOL(kallsyms_", kTail = ")";
  if (!key.starts_with(kHead) || !key.ends_with(kTail)) return {};
  return key.substr(kHead.size(), key.size() - kHead.size() - kTail.size());
}

// False: a value that is not what its key wants.
bool take(std::string_view key, std::string_view value, VmcoreInfo& out) {
  uint64_t levels = 0, table = 0;
  if (key == "OSRELEASE") {
    out.release = value;
    return true;
  }
  if (key == "SYMBOL(swapper_pg_dir)") return take_hex(value, out.page_tables);
  if (key == "SYMBOL(_stext)") return take_hex(value, out.text);
  if (key == "NUMBER(phys_base)") return take_signed(value, out.phys_base);
  if (key == "NUMBER(pgtable_l5_enabled)") {
    const bool good = take_signed(value, levels);
    out.five_levels = levels != 0;
    return good;
  }
  if (const auto name = symbol_table(key); !name.empty()) {
    if (!take_hex(value, table)) return false;
    out.symbol_tables.emplace(name, table);
  }
  return true;
}

}  // namespace

Result<VmcoreInfo> parse_vmcoreinfo(std::string_view text) {
  VmcoreInfo info;
  text = text.substr(0, text.find('\0'));
  for (size_t line = 1; !text.empty(); ++line) {
    const auto row = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(row.size() + 1, text.size()));
    const size_t equals = row.find('=');
    if (equals == row.npos) continue;
    if (!take(row.substr(0, equals), row.substr(equals + 1), info))
      return fail(Errc::kParse, "VMCOREINFO line " + std::to_string(line) + ": bad value");
  }
  if (info.release.empty()) return fail(Errc::kParse, "VMCOREINFO: no OSRELEASE");
  if (info.page_tables == 0) return fail(Errc::kParse, "VMCOREINFO: no SYMBOL(swapper_pg_dir)");
  return info;
}

}  // namespace fptrace::emu
