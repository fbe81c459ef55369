#pragma once
#include <string>
#include <vector>

#include "fingerprint/manifest.h"

// Who needs a file of a manifest, and why.

namespace fptrace {

struct Query {
  // Whole paths, as canonical as the run used them, or names without a slash.
  std::vector<std::string> paths;
  std::vector<std::string> packages;  // "libc6", "libc6:amd64"
  std::vector<std::string> sonames;   // "libssl.so.3"
  std::vector<std::string> symbols;   // "GLIBC_2.34", "libc.so.6(GLIBC_2.34)(64bit)"
};

// One object of the way from a program to a library.
struct ChainStep {
  std::string path;
  std::string how;  // the one before it came to it by: "needed", "dlopen", "preload", "interp"
  bool operator==(const ChainStep&) const = default;
};

// The pointers are into the manifest that was asked.
struct FileAnswer {
  const ManifestFile* file = nullptr;
  std::vector<std::vector<ChainStep>> chains;     // the shortest for each program that loaded it
  std::vector<std::string> needed_by;             // objects with a DT_NEEDED that it satisfies
  std::vector<const ManifestProcess*> processes;  // of the programs that opened it, where known
};

struct SymbolUse {
  std::string object, requirement;
  bool operator==(const SymbolUse&) const = default;
};

struct QueryAnswer {
  std::string kind;                         // "path", "package", "soname", "symbol"
  std::string asked;                        // the word
  std::vector<FileAnswer> files;            // of a symbol: the libraries that provide it
  std::vector<SymbolUse> required_by;       // of a symbol
  std::vector<const MissingFile*> missing;  // of a path: looked for in vain
  std::vector<const OutputFile*> outputs;   // of a path: made by the run
  bool found() const {
    return !files.empty() || !required_by.empty() || !missing.empty() || !outputs.empty();
  }
};

// Pure. One answer for each word, paths first. `manifest` must outlive the answers.
std::vector<QueryAnswer> query(const Manifest& manifest, const Query& query);

}  // namespace fptrace
