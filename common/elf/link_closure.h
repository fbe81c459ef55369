#pragma once
#include <optional>
#include <string>
#include <vector>

#include "common/elf/elf_identity.h"
#include "common/elf/loader_search.h"

namespace fptrace {

// Files as the loader opens them. Paths are absolute.
class LinkFiles {
 public:
  virtual ~LinkFiles() = default;
  struct File {
    std::string path;                  // canonical
    const ElfIdentity* elf = nullptr;  // null: the file is not ELF, or damaged
  };
  // nullopt: no such file, or it cannot be read. `elf` stays valid as long as this object.
  virtual std::optional<File> open(const std::string& path) = 0;
};

// How a library was asked for.
enum class LinkReason { kMain, kInterp, kPreload, kNeeded, kDlopen };

struct LinkedFile {
  std::string path;    // canonical
  std::string opened;  // absolute, as the loader opened it
  LinkReason reason = LinkReason::kNeeded;
  // LoaderSearch's; empty for the main program, "PT_INTERP" for its loader; a preloaded library's
  // begins with what named it: "LD_PRELOAD: absolute name".
  std::string rule;
  const ElfIdentity* elf = nullptr;
};

struct UnfoundLibrary {
  std::string name, requester;  // as asked for; canonical path
  LinkReason reason = LinkReason::kNeeded;
  bool required = true;  // false: a dlopen note that recommends or suggests it
  // Where it could have been: absolute, subdirectories for special processors left out.
  std::vector<std::string> tried;
  // A file that the loader would take for it and stop at, since it is no ELF file.
  std::string damaged;
};

struct LinkClosure {
  std::vector<LinkedFile> files;  // in the order of loading; the main program first
  std::vector<UnfoundLibrary> unfound;
};

// One library that a file's .note.dlopen names: alternatives, best first.
struct DlopenNote {
  std::vector<std::string> sonames;
  bool required = false;
};
// Loads `main` and all it needs as the loader would, without running anything: the main program,
// what is preloaded, then what they need, breadth first; then the same for what dlopen notes name.
// In secure mode names with a slash are not preloaded.
class ClosureBuilder {
 public:
  ClosureBuilder(const LoaderSearch& search, LinkFiles& files, std::string cwd);
  // Reads one dlopen note, which is JSON; an unreadable one names nothing.
  using NoteReader = std::vector<DlopenNote> (*)(const std::string& json);

  struct Preload {
    std::string name;
    std::string from;  // "LD_PRELOAD", "/etc/ld.so.preload"
  };
  LinkClosure build(const LinkFiles::File& main, const std::vector<Preload>& preload,
                    NoteReader notes) const;

 private:
  const LoaderSearch& search_;
  LinkFiles& files_;
  std::string cwd_;
};

}  // namespace fptrace
