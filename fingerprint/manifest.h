#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/analysis/roles.h"
#include "common/base/child_process.h"
#include "common/event/event.h"
#include "fingerprint/packages/package.h"

// The manifest as a value: what a program needed to run, and what it made.
// docs/manifest.schema.json is the same thing for JSON, manifest.proto for protobuf. Strings are
// bytes, not UTF-8; the codecs see to that. Every list is sorted, so equal runs give equal
// manifests.

namespace fptrace {

inline constexpr const char* kManifestSchema = "fptrace.manifest/1";

struct ElfInfo {
  std::string soname;
  std::string interpreter;             // PT_INTERP
  std::vector<std::string> needed;     // DT_NEEDED, in order
  std::string build_id;                // hex
  std::vector<std::string> requires_;  // RPM spelling: "libc.so.6(GLIBC_2.34)(64bit)"
  std::vector<std::string> provides;
  bool operator==(const ElfInfo&) const = default;
};

struct ManifestFile {
  std::string path;  // canonical, on the host; "memfd:NAME" and "@NAME" (abstract socket) too
  std::string
      source;  // where the content comes from, when a mount namespace hides it behind `path`
  FileType type = FileType::kRegular;
  std::vector<std::string> as_used;  // other spellings the run used: absolute, links not resolved
  std::vector<std::string> links;    // symbolic links that were followed to it
  RoleSet roles;
  Linkage linkage = Linkage::kUnknown;
  std::string found_by;          // of a library: the loader's rule that led to it; see the schema
  std::optional<uint64_t> size;  // bytes; of regular files
  std::optional<uint32_t> mode;  // permission bits
  std::optional<Sha256> sha256;  // of the content before the run's first write
  std::optional<Package> package;
  std::vector<Package> other_packages;  // further owners of the same file
  std::optional<ElfInfo> elf;
  bool config = false;                 // its package lists it as a configuration file
  std::vector<std::string> opened_by;  // programs
  std::vector<std::string> openers;    // objects whose code asked for it; with --openers
  std::string peer;                    // of a socket: the program that answers
  std::string target;                  // of a symbolic link whose target was read
  bool operator==(const ManifestFile&) const = default;
};

struct MissingFile {
  std::string path;
  std::string error;  // "ENOENT"
  bool operator==(const MissingFile&) const = default;
};

struct OutputFile {
  std::string path;
  FileType type = FileType::kRegular;
  std::optional<Sha256> sha256;
  std::optional<uint64_t> size;
  std::string target;  // of a symbolic link
  bool operator==(const OutputFile&) const = default;
};

// With --with-processes only: pids and order differ from run to run.
struct ManifestProcess {
  uint32_t id = 0;      // ProcessKey::serial
  uint32_t parent = 0;  // its parent's id; 0: not traced
  int32_t pid = 0;
  std::string program;
  std::vector<std::string> argv;
  std::optional<ExitStatus> exit;
  std::optional<uint64_t> start_ns, end_ns;  // since trace start; with --with-times
  bool operator==(const ManifestProcess&) const = default;
};

struct ManifestTimes {
  uint64_t started_ns = 0;  // since the epoch
  uint64_t duration_ns = 0;
  bool operator==(const ManifestTimes&) const = default;
};

struct PackageUse {
  Package package;
  uint64_t files = 0;  // entries of `files` that it owns
  bool operator==(const PackageUse&) const = default;
};

struct Undecoded {
  std::string what;
  uint64_t count = 0;
  bool operator==(const Undecoded&) const = default;
};

struct Manifest {
  std::vector<std::string> argv;
  std::string cwd;
  std::optional<ExitStatus> exit;  // none: the trace was cut short
  std::string os, kernel, machine;
  std::string backend;
  std::vector<ManifestFile> files;  // by path, then source
  std::vector<MissingFile> missing;
  std::vector<OutputFile> outputs;
  std::vector<std::string> environment_read;
  std::map<std::string, std::string> environment_set;
  std::vector<PackageUse> packages;
  bool complete = true;
  std::vector<Undecoded> undecoded;
  std::optional<std::vector<ManifestProcess>> processes;
  std::optional<std::vector<std::string>> temporaries;
  std::optional<ManifestTimes> times;
  bool operator==(const Manifest&) const = default;
};

}  // namespace fptrace
