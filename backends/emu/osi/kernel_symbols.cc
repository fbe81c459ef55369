#include "backends/emu/osi/kernel_symbols.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <vector>

namespace fptrace::emu {
namespace {

constexpr uint32_t kMaxSymbols = 4'000'000;
constexpr size_t kMaxTokenBytes = 1 << 16, kMaxNames = 256 << 20;
constexpr size_t kMaxName = 2048;   // KSYM_NAME_LEN is 512
constexpr size_t kChunk = 1 << 16;  // that is read at once: more than the longest name

class Tables {
 public:
  Tables(const VmcoreInfo& info, const KernelRead& read) : info_(info), read_(read) {}

  Result<void> load() {
    uint32_t count = 0;
    if (!number("num_syms", count) || count == 0 || count > kMaxSymbols)
      return fail(Errc::kUnsupported, "kernel symbols: no count");
    if (!number("relative_base", base_)) return fail(Errc::kUnsupported, "kernel symbols: no base");
    offsets_.resize(count);
    std::array<uint16_t, 256> index{};
    if (!exactly("offsets", std::as_writable_bytes(std::span(offsets_))) ||
        !exactly("token_index", std::as_writable_bytes(std::span(index))))
      return fail(Errc::kUnsupported, "kernel symbols: tables cannot be read");
    if (!load_tokens(index)) return fail(Errc::kParse, "kernel symbols: bad table of tokens");
    names_at_ = table("names");
    if (names_at_ == 0) return fail(Errc::kUnsupported, "kernel symbols: no names");
    return {};
  }

  size_t count() const { return offsets_.size(); }

  // The next symbol's name with its type letter before it, packed: one token after the other. Until
  // the next call; nullopt at the end of what is readable.
  using Packed = std::span<const uint8_t>;
  std::optional<Packed> next_name() {
    if (!fill(2)) return std::nullopt;
    size_t length = chunk_[at_++];
    if (length & 0x80)  // the rest of a longer one, as ULEB128
      length = (length & 0x7f) | size_t(chunk_[at_++]) << 7;
    if (length == 0 || length > kMaxName || !fill(length)) return std::nullopt;
    const auto name = Packed(chunk_).subspan(at_, length);
    at_ += length;
    if (tokens_[name.front()].empty()) return std::nullopt;
    return name;
  }
  // nm(1)'s.
  char type(Packed name) const { return tokens_[name.front()].front(); }
  // Until the next call; empty: longer than any is.
  std::string_view unpack(Packed name) {
    name_.clear();
    for (const uint8_t token : name) {
      name_ += tokens_[token];
      if (name_.size() > kMaxName) return {};
    }
    return std::string_view(name_).substr(1);
  }

  // Where offsets are signed, those from 0 on are absolute (per-CPU symbols) and the others count
  // down from just below the base (CONFIG_KALLSYMS_ABSOLUTE_PERCPU); else they count from it.
  uint64_t address(size_t symbol, bool is_signed) const {
    const int32_t offset = offsets_[symbol];
    if (!is_signed) return base_ + uint32_t(offset);
    return offset >= 0 ? uint64_t(offset) : base_ - 1 - uint64_t(int64_t(offset));
  }

 private:
  uint64_t table(std::string_view name) const {
    const auto it = info_.symbol_tables.find(name);
    return it != info_.symbol_tables.end() ? it->second : 0;
  }
  bool exactly(std::string_view name, std::span<std::byte> out) const {
    const uint64_t at = table(name);
    return at != 0 && read_(at, out) == out.size();
  }
  template <class T>
  bool number(std::string_view name, T& out) const {
    return exactly(name, std::as_writable_bytes(std::span(&out, 1)));
  }

  bool load_tokens(const std::array<uint16_t, 256>& index) {
    std::vector<char> bytes(kMaxTokenBytes);
    bytes.resize(read_(table("token_table"), std::as_writable_bytes(std::span(bytes))));
    for (size_t i = 0; i < index.size(); ++i) {
      if (index[i] >= bytes.size()) return false;
      const auto begin = bytes.begin() + index[i];
      const auto end = std::find(begin, bytes.end(), '\0');
      if (end == bytes.end()) return false;
      tokens_[i].assign(begin, end);
    }
    return true;
  }

  // Whether so many more bytes of the names are at hand, reading them if need be.
  bool fill(size_t size) {
    if (chunk_.size() - at_ >= size) return true;
    chunk_.erase(chunk_.begin(), chunk_.begin() + ptrdiff_t(at_));
    at_ = 0;
    const size_t kept = chunk_.size();
    chunk_.resize(kept + kChunk);
    const auto rest = std::as_writable_bytes(std::span(chunk_)).subspan(kept);
    const size_t got = read_(names_at_ + consumed_, rest);
    chunk_.resize(kept + got);
    consumed_ += got;
    return chunk_.size() >= size && consumed_ <= kMaxNames;
  }

  const VmcoreInfo& info_;
  const KernelRead& read_;
  uint64_t base_ = 0, names_at_ = 0;
  std::vector<int32_t> offsets_;
  std::array<std::string, 256> tokens_;
  std::string name_;
  std::vector<uint8_t> chunk_;
  size_t at_ = 0, consumed_ = 0;
};

using Names = std::set<std::string, std::less<>>;

// Tells by their first two tokens of nearly all names that they are none of a few.
class Sieve {
 public:
  Sieve(Tables& tables, const Names& names) : tables_(tables), names_(names), known_(1 << 16) {}

  bool holds_back(Tables::Packed name) {
    if (name.size() < 2) return false;
    Answer& known = known_[size_t{name[0]} << 8 | name[1]];
    if (known == Answer::kNotYet) {
      const auto begin = tables_.unpack(name.first(2));
      const auto next = names_.lower_bound(begin);
      const bool may_be = next != names_.end() && next->starts_with(begin);
      known = may_be ? Answer::kMayBe : Answer::kIsNot;
    }
    return known == Answer::kIsNot;
  }

 private:
  enum class Answer : uint8_t { kNotYet, kMayBe, kIsNot };
  Tables& tables_;
  const Names& names_;
  std::vector<Answer> known_;
};

// Calls `take` for each symbol with its number and its packed name, in order of address.
// Returns which way the tables' offsets are meant: what Tables::address() is to be given.
template <class Take>
Result<bool> each_symbol(Tables& tables, const VmcoreInfo& info, Take take) {
  const Names text_name = {"_stext"};
  Sieve sieve(tables, text_name);
  std::optional<size_t> text;
  for (size_t i = 0; i < tables.count(); ++i) {
    const auto name = tables.next_name();
    if (!name) return fail(Errc::kParse, "kernel symbols: cut short");
    if (!sieve.holds_back(*name) && text_name.contains(tables.unpack(*name))) text = i;
    take(i, *name);
  }
  if (!text) return fail(Errc::kParse, "kernel symbols: no _stext");
  // _stext, which is known from elsewhere, tells it.
  const bool is_signed = tables.address(*text, true) == info.text;
  if (!is_signed && tables.address(*text, false) != info.text)
    return fail(Errc::kParse, "kernel symbols: _stext is not where the kernel says");
  return is_signed;
}

}  // namespace

Result<SymbolMap> find_symbols(const VmcoreInfo& info, const KernelRead& read,
                               const Names& wanted) {
  Tables tables(info, read);
  if (auto loaded = tables.load(); !loaded) return fail(loaded.error());
  std::map<std::string, size_t, std::less<>> numbers;
  Sieve sieve(tables, wanted);
  const auto is_signed = each_symbol(tables, info, [&](size_t i, Tables::Packed packed) {
    if (sieve.holds_back(packed)) return;
    const auto name = tables.unpack(packed);
    if (wanted.contains(name)) numbers.emplace(name, i);
  });
  if (!is_signed) return fail(is_signed.error());
  SymbolMap found;
  for (const auto& [name, number] : numbers)
    found.emplace(name, tables.address(number, *is_signed));
  return found;
}

Result<std::map<uint64_t, NamedAddress>> name_code(const VmcoreInfo& info, const KernelRead& read,
                                                   const std::set<uint64_t>& addresses) {
  constexpr uint64_t kLongestFunction = 1 << 18;
  constexpr std::string_view kCode = "tTwW";
  Tables tables(info, read);
  if (auto loaded = tables.load(); !loaded) return fail(loaded.error());
  std::vector<size_t> functions;
  const auto is_signed = each_symbol(tables, info, [&](size_t i, Tables::Packed name) {
    if (kCode.find(tables.type(name)) != kCode.npos) functions.push_back(i);
  });
  if (!is_signed) return fail(is_signed.error());
  std::vector<std::pair<uint64_t, size_t>> begins;  // of functions, and their numbers
  begins.reserve(functions.size());
  for (const size_t i : functions) begins.emplace_back(tables.address(i, *is_signed), i);
  std::ranges::stable_sort(begins, {}, [](const auto& entry) { return entry.first; });
  std::map<uint64_t, NamedAddress> found;
  std::map<size_t, std::vector<uint64_t>> wanted;  // by number
  for (const uint64_t address : addresses) {
    const auto above = std::ranges::upper_bound(begins, address, {},
                                                [](const auto& entry) { return entry.first; });
    if (above == begins.begin() || above == begins.end()) continue;
    // Of several names at one address the first, always.
    const uint64_t begin = std::prev(above)->first;
    const auto first =
        std::ranges::lower_bound(begins, begin, {}, [](const auto& entry) { return entry.first; });
    if (address - begin >= kLongestFunction) continue;
    found[address].offset = address - begin;
    wanted[first->second].push_back(address);
  }
  Tables again(info, read);
  if (auto loaded = again.load(); !loaded) return fail(loaded.error());
  const auto named = each_symbol(again, info, [&](size_t i, Tables::Packed name) {
    if (const auto it = wanted.find(i); it != wanted.end())
      for (const uint64_t address : it->second) found[address].function = again.unpack(name);
  });
  if (!named) return fail(named.error());
  return found;
}

}  // namespace fptrace::emu
