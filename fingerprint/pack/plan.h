#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/event/event.h"
#include "fingerprint/manifest.h"
#include "fingerprint/pack/globs.h"

// What goes into a package, decided before anything is written.
namespace fptrace::pack {

// A part of a sparse file that holds data.
struct Extent {
  uint64_t offset = 0, length = 0;
  bool operator==(const Extent&) const = default;
};

struct PackEntry {
  // What a regular file's content is taken from.
  enum class Content { kHost, kSavedInput, kLiteral, kHole };

  std::string path;                    // absolute; "/" is the root of the package
  FileType type = FileType::kRegular;  // a regular file, a directory or a symbolic link
  uint32_t mode = 0644;                // permission bits
  std::string target;                  // of a symbolic link
  std::string hard_link;               // path of an earlier entry that is the same file
  Content content = Content::kHost;
  std::string source;            // kHost: where it lies on the host; kLiteral: the content itself
  std::optional<Sha256> sha256;  // what the run read; none: whatever it is now
  uint64_t size = 0;
  std::optional<std::vector<Extent>> extents;  // of a sparse file: the rest is zeros
  uint32_t uid = 0, gid = 0;
  int64_t mtime = 0;  // seconds since the epoch
  std::vector<std::pair<std::string, std::string>> xattrs;
  std::optional<Package> package;  // that brings this file
  bool config = false;             // see ManifestFile
  bool seen = false;               // the run itself read, ran or followed it
};

// Something that the user should know: what was left out, or is not as it was.
struct Note {
  std::string path;  // empty: not about a path
  std::string text;
};

struct PlanOptions {
  std::string root;    // where the files are; "" is this host
  std::string inputs;  // a directory of `run --save-inputs`; empty: none
  std::vector<GlobRule> rules;
  bool keep_owner = false;      // else all belongs to root
  bool keep_times = false;      // else all has the time `epoch`
  int64_t epoch = 315'532'800;  // 1980-01-01, the earliest that zip archives can say
};

struct Plan {
  std::vector<PackEntry> entries;  // by path, so a directory comes before what is in it
  std::vector<Note> notes;
};

// Looks at every file of the manifest, reads no contents but the heads of what may be a key. The
// error names all files whose content cannot be had as the run read it (the first of them in full),
// and what to do.
//
// What it decides:
//  - A file that was read is taken with the content that was read, or not at all.
//  - A file that was only asked about is taken as it is now: its size and, in an interpreter's
//    cache, its content count. Above kMaxAskedAbout, or where it cannot be read, its place is held
//    by a file of its size that is all zeros.
//  - Of a directory that was listed every name is there. Names that the run did nothing with are
//    held by empty files and directories.
//  - What was followed to a file (links, directories before "..") is made again, so that every
//    spelling that the run used leads to the file.
//  - Devices, /proc and /sys are not taken; their mount points are. So are sockets, whose other end
//    is no file.
//  - What was missing stays missing. What the run made is not taken, the directories for it are.
Result<Plan> make_plan(const Manifest& manifest, const PlanOptions& options);
inline constexpr uint64_t kMaxAskedAbout = 16 << 20;

}  // namespace fptrace::pack
