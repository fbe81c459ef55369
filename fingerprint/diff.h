#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fingerprint/manifest.h"

// What differs between two manifests.

namespace fptrace {

enum class DiffKind : uint8_t { kAdded, kRemoved, kChanged, kUpgraded, kDowngraded };
inline constexpr std::array<std::string_view, 5> kDiffKindNames{"added", "removed", "changed",
                                                                "upgraded", "downgraded"};
constexpr std::string_view to_string(DiffKind k) { return kDiffKindNames[size_t(k)]; }

// One property of a thing. Of a list: what only the first has, and what only the second has.
struct FieldDiff {
  std::string field;  // as the manifest names it: "sha256", "mode", "elf.needed"
  std::vector<std::string> from, to;
  bool operator==(const FieldDiff&) const = default;
};

struct DiffEntry {
  DiffKind kind = DiffKind::kChanged;
  std::string name;  // path, package, variable, symbol version
  std::vector<FieldDiff>
      fields;  // of kChanged, kUpgraded, kDowngraded; of an added symbol: by whom
  bool operator==(const DiffEntry&) const = default;
};

struct ManifestDiff {
  std::vector<DiffEntry> run;      // command, host, backend
  std::vector<DiffEntry> files;    // by path
  std::vector<DiffEntry> missing;  // looked for in vain
  std::vector<DiffEntry> outputs;
  std::vector<DiffEntry> packages;  // "libc6:amd64"; only dpkg's versions have an order here
  std::vector<DiffEntry> symbols;   // "libc.so.6(GLIBC_2.34)(64bit)": required by some object
  std::vector<DiffEntry> environment;
  std::vector<DiffEntry> coverage;
  bool operator==(const ManifestDiff&) const = default;

  // With its name, in the order in which they are shown.
  struct Section {
    std::string_view name;
    const std::vector<DiffEntry>* entries;
  };
  std::array<Section, 8> sections() const;
  bool equal() const { return *this == ManifestDiff{}; }
};

// Pure. Processes, times and temporaries are not compared: they differ from run to run.
ManifestDiff diff(const Manifest& a, const Manifest& b);

}  // namespace fptrace
