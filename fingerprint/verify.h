#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fingerprint/manifest.h"
#include "fingerprint/root_directory.h"

// Whether what a program needed is what lies below a root directory: this host, or another
// system's.

namespace fptrace {

enum class VerifyMode : uint8_t {
  kContent,  // every file as it was
  kAbi,      // libraries may be others, as long as the loader finds what every object asks for
};

// In the order of the table in docs/reports.md.
enum class Problem : uint8_t {
  kMissing,     // nothing at a path that the run used
  kBrokenLink,  // a symbolic link on the way to it is missing or leads nowhere
  kMoved,       // its canonical path is gone, but the other names that the run used lead to it
  kType,        // a directory where a file was, ...
  kChanged,     // another content
  kMode,        // a permission that the use of it needs is gone, or set-user-id differs
  kTarget,      // the run read a symbolic link, which has another target now
  kUnreadable,  // could not be read, so nothing is known
  kNoLibrary,   // an object needs a library that the loader would not find
  kUnmet,       // an object needs a symbol version that the library found does not provide
  kAppeared,    // the run looked for it in vain, and here it is
};
inline constexpr std::array<std::string_view, 11> kProblemNames{
    "missing", "broken-link", "moved",      "type",  "changed", "mode",
    "target",  "unreadable",  "no-library", "unmet", "appeared"};
constexpr std::string_view to_string(Problem p) { return kProblemNames[size_t(p)]; }

struct Finding {
  std::string path;  // as the manifest has it; of kNoLibrary and kUnmet: the object that needs
  Problem problem = Problem::kMissing;
  std::string used_as;          // the name that the run used, where it is not `path`
  std::string expected, found;  // hash, size, mode, type, link target, library, symbol version
  std::string at;               // where the lookup ended; of kUnmet: the library that falls short
  std::optional<Package> package;        // that would bring it, as in the manifest
  std::optional<std::string> installed;  // its version in the root, "": none; nullopt: not known
  auto operator<=>(const Finding&) const = default;
};

struct VerifyOptions {
  VerifyMode mode = VerifyMode::kContent;
  bool outputs = false;  // what the run made is looked at too
  unsigned threads = 0;  // that hash; 0: one for each processor
};

struct VerifyReport {
  std::vector<Finding> findings;  // sorted
  uint64_t files = 0;             // entries of `files` and, when asked for, `outputs` looked at
  uint64_t absent = 0;            // entries of `missing` looked at
  uint64_t objects = 0;           // ELF files whose requirements were held against libraries
  uint64_t hashed_bytes = 0;
  uint64_t unhashed = 0;  // the manifest has no hash for them: size and type only
  uint64_t skipped = 0;   // kernel's files, sockets, anonymous memory
  std::string note;       // why the versions of packages in the root are not known
  bool ok() const { return findings.empty(); }
  uint64_t count(Problem problem) const;
};

// What lies at one name in the root.
struct Observed {
  LostPath lost;     // lost.error != 0: nothing is there, and nothing below is set
  std::string path;  // canonical, in the root
  uint64_t dev = 0, ino = 0;
  uint32_t mode = 0;  // st_mode
  uint64_t size = 0;
  std::optional<Sha256> sha256;
  std::string target;  // of a symbolic link
  std::string error;   // why the content could not be read
  bool present() const { return lost.error == 0; }
};
struct ObservedFile {
  Observed own;                   // at its canonical path
  std::vector<Observed> as_used;  // at each of ManifestFile::as_used
};

// Versions of installed packages by name and architecture ("libc6:amd64") and by name alone.
using InstalledVersions = std::map<std::string, std::string>;
// Pure: of the text of dpkg's status file; packages that are not installed (any more) are left out.
Result<InstalledVersions> installed_versions(std::string_view dpkg_status);

// Pure. What is wrong with one file, given what lies in the root.
std::vector<Finding> judge(const ManifestFile& file, const ObservedFile& here, VerifyMode mode);
// Pure. Whether the file can be looked at; `host`: the root is this host, not another directory.
bool is_checkable(const ManifestFile& file, bool host);
// Whether the content must be read.
bool wants_hash(const ManifestFile& file, VerifyMode mode);

struct VerifyProgress {
  uint64_t done = 0, of = 0;  // files
  uint64_t bytes = 0;         // hashed so far
};
// `progress`, when set, is called on this thread about ten times a second while files are read.
VerifyReport verify(const Manifest& manifest, const RootDirectory& root,
                    const VerifyOptions& options,
                    const std::function<void(const VerifyProgress&)>& progress = {});

}  // namespace fptrace
