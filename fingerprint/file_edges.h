#pragma once
#include <compare>
#include <cstddef>
#include <vector>

#include "fingerprint/manifest.h"

namespace fptrace {

enum class EdgeKind : uint8_t {
  kLoader,  // PT_INTERP of a program
  kNeeded,  // DT_NEEDED
  kOpened,  // its code (or, where that is not known, its process) opened or loaded the other
};

// One file of a manifest depends on another; indices into Manifest::files.
struct FileEdge {
  size_t from = 0, to = 0;
  EdgeKind kind = EdgeKind::kOpened;
  auto operator<=>(const FileEdge&) const = default;
};

// What the manifest tells about which of its files needs which, sorted. What a program opened only
// because the loader followed DT_NEEDED is told by those edges, not by a kOpened of the program.
// Where several files have the name that DT_NEEDED asks for, those count that came into the same
// programs, with the same word size.
std::vector<FileEdge> file_edges(const Manifest& manifest);

}  // namespace fptrace
