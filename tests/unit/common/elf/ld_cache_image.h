#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace fptrace::test {

// Writes an ld.so.cache in either format and byte order.
class LdCacheImage {
 public:
  struct Entry {
    std::string name, path;
    uint32_t flags = 0x0303;
    int hwcaps = -1;  // index into `hwcaps`
    uint64_t legacy = 0;
  };
  std::vector<Entry> entries;
  std::vector<std::string> hwcaps;
  bool little = true;
  uint8_t order = 2;  // what the header says: 2 little, 3 big, 0 nothing

  std::string build() const {
    const size_t table = 48 + 24 * entries.size();
    std::string strings, rows, extension;
    const auto text = [&](const std::string& s) {
      const size_t at = table + strings.size();
      strings += s + '\0';
      return at;
    };
    for (const Entry& e : entries) {
      rows += number(e.flags, 4) + number(text(e.name), 4) + number(text(e.path), 4) + number(0, 4);
      rows += number(e.hwcaps < 0 ? e.legacy : uint64_t{1} << 62 | uint64_t(e.hwcaps), 8);
    }
    std::string list;
    for (const std::string& h : hwcaps) list += number(text(h), 4);
    while ((table + strings.size()) % 4 != 0) strings += '\0';
    const size_t at = table + strings.size();
    if (!hwcaps.empty()) {
      extension = number(0xEAA42174, 4) + number(1, 4) + number(1, 4) + number(0, 4) +
                  number(at + 24, 4) + number(list.size(), 4) + list;
    }
    return "glibc-ld.so.cache1.1" + number(entries.size(), 4) + number(strings.size(), 4) +
           number(order, 1) + number(0, 3) + number(hwcaps.empty() ? 0 : at, 4) +
           std::string(12, '\0') + rows + strings + extension;
  }
  // The format of libc5, without or with the new one behind it.
  std::string build_old(const std::string& behind = "") const {
    std::string rows, strings;
    for (const Entry& e : entries) {
      rows += number(e.flags, 4) + number(strings.size(), 4);
      strings += e.name + '\0';
      rows += number(strings.size(), 4);
      strings += e.path + '\0';
    }
    std::string out = std::string("ld.so-1.7.0") + '\0' + number(entries.size(), 4) + rows;
    if (behind.empty()) return out + strings;
    out.resize((out.size() + 7) / 8 * 8, '\0');
    return out + behind;
  }

 private:
  std::string number(uint64_t v, int bytes) const {
    std::string s;
    for (int i = 0; i < bytes; ++i) s.push_back(char(v >> (8 * i)));
    if (!little) std::reverse(s.begin(), s.end());
    return s;
  }
};

}  // namespace fptrace::test
