#pragma once
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/elf/ld_cache.h"
#include "common/elf/loader_setup.h"

namespace fptrace {

// What the loader keeps of a loaded object that matters to the search for the next one.
struct LinkObject {
  std::string path;    // canonical, for rules
  std::string origin;  // what $ORIGIN stands for: its directory, as loaded; empty: not known
  std::string rpath, runpath;
  bool no_default = false;             // DF_1_NODEFLIB
  const LinkObject* loader = nullptr;  // who asked for it first; none: the main program
};

// What a process adds to LoaderSetup. The strings are owned.
struct LoaderEnvironment {
  std::optional<std::string> library_path;    // LD_LIBRARY_PATH
  bool secure = false;                        // AT_SECURE: ld.so(8), "secure-execution mode"
  std::vector<LdCacheEntry> cache;            // of /etc/ld.so.cache
  std::vector<std::string> conf_directories;  // instead of the cache, where there is none
  std::optional<std::string> path_file;       // musl: content of LoaderSetup::path_file
};

// The order in which ld.so(8), or musl's loader, looks for a library. Knows no files: it says which
// names it would try, and by which rule; so it serves to find a library as well as to tell why one
// was found.
//
// The rules, as they stand in a manifest's `found_by`:
//   "absolute name", "relative name"   the name that was asked for has a slash in it
//   "rpath of OBJECT: ENTRY"           DT_RPATH of an object; ENTRY is as written there
//   "LD_LIBRARY_PATH: ENTRY"
//   "runpath of OBJECT: ENTRY"         DT_RUNPATH of the object that needs the library
//   "ld.so.cache"
//   "ld.so.conf: DIRECTORY"            only where there is no cache
//   "default directory"                compiled into the loader
//   "ld-musl path file: DIRECTORY"     musl's /etc/ld-musl-ARCH.path
// A directory below the searched one is added: "default directory (glibc-hwcaps/x86-64-v3)".
class LoaderSearch {
 public:
  LoaderSearch(LoaderSetup setup, LoaderEnvironment environment);

  struct Candidate {
    std::string path;
    std::string rule;
    bool special = false;  // in a subdirectory for some processors
  };
  // Returns true to end the search.
  using Probe = std::function<bool(const Candidate&)>;
  // Goes through the names under which `name`, asked for by `requester` of the program `main`,
  // would be looked for. Relative paths are relative to the working directory. True when `probe`
  // was.
  bool walk(const std::string& name, const LinkObject& requester, const LinkObject& main,
            const Probe& probe) const;

  // Whether `name` stands for the loader itself (musl is the C library, under all its names).
  bool is_loader(const std::string& name) const;
  const LoaderSetup& setup() const { return setup_; }
  const LoaderEnvironment& environment() const { return environment_; }

 private:
  class Walk;
  LoaderSetup setup_;
  LoaderEnvironment environment_;
  std::vector<std::string> subdirectories_;  // each with a slash at its end; the last is ""
  std::unordered_map<std::string, std::vector<size_t>> cached_;  // name -> entries, best first
};

// The names in LD_PRELOAD, /etc/ld.so.preload (separated by blanks or colons) or LD_AUDIT.
std::vector<std::string> split_preload(std::string_view text);

}  // namespace fptrace
