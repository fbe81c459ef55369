#pragma once
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/analysis/hash.h"
#include "common/analysis/roles.h"
#include "common/elf/loader_search.h"
#include "common/event/tracer.h"

namespace fptrace {

// What the dynamic loader reads in a file.
struct LinkInfo {
  bool elf = true;       // false: the file could be read and is something else
  bool program = false;  // has a PT_INTERP
  std::string soname;
  std::vector<std::string> needed;
  std::string rpath = {}, runpath = {};
  bool no_default = false;  // DF_1_NODEFLIB
  ElfKind kind = {};
};

// Files of the traced system, read after the trace. nullopt: gone, changed, or not readable.
class LinkSource {
 public:
  virtual ~LinkSource() = default;
  virtual std::optional<LinkInfo> link_info(const FileRef& file) = 0;
  virtual std::optional<std::string> text(const FileRef& file) = 0;
  // Where `path` leads to. Only asked where the trace does not tell by which name a library was
  // opened: of a process that ran before it.
  virtual std::string real_path(const std::string& path) { return path; }
};

struct LoadedFile {
  FileRef file;
  Linkage linkage = Linkage::kUnknown;
  bool elf = true;       // false: mapped executable, but no library (known for sure)
  bool program = false;  // a program that was given to the loader as an argument
  // The rule of the loader that led to it: LoaderSearch, or "PT_INTERP" for the loader itself. Of
  // what was preloaded "LD_PRELOAD: RULE", "LD_AUDIT: RULE" or "/etc/ld.so.preload: RULE". Empty
  // when it cannot be told.
  std::string found_by = {};
};

// What one program had loaded; runs of a program that loaded the same are one image.
struct ProgramImage {
  FileRef program;
  uint64_t processes = 0;
  std::vector<LoadedFile> libraries;  // by path; the loader too
};

struct LibraryReport {
  std::vector<ProgramImage> images;    // by path of the program, then of the libraries
  std::map<FileId, LoadedFile> files;  // over all images, with the strongest linkage
};

// Which libraries every program had loaded, and why: see Linkage. Decided after the trace from the
// programs' DT_NEEDED closure by soname; what is mapped and not in it was dlopen'ed. The rule that
// found a library is the first of the loader's that gives the very name by which it was opened.
// What was asked of dlopen() is not known: a library counts as looked for where a rule of one of
// the objects that were loaded by then explains its name, but as found in ld.so.cache or a default
// directory only if the loader read that cache for it (it does so anew for every dlopen); else as
// named by its path.
// Memory grows with the number of different images, not of processes.
class Libraries : public Analysis {
 public:
  Cap needs() const override { return Cap::kProcesses | Cap::kMaps; }
  Result<void> on_event(const Event& event) override;
  LibraryReport report(LinkSource& source) const;

  class Resolver;  // library_resolver.h

 private:
  // A library in a program. `file` is an index into files_, `name` into opened_names_.
  struct Mapped {
    uint32_t file = 0, name = 0;
    bool after_cache = false;  // ld.so.cache was read since the library before
    auto operator<=>(const Mapped&) const = default;
  };
  struct OpenedName {
    std::string path, base;  // as of Lookup
    auto operator<=>(const OpenedName&) const = default;
  };
  struct Image {
    uint32_t program = 0, loader = 0;        // indices into files_, 0: none
    uint32_t cache = 0, path_file = 0;       // ld.so.cache, musl's path file
    std::string loader_name;                 // as the program has it
    std::string preload, audit;              // LD_PRELOAD and LD_AUDIT, as given
    std::optional<std::string> search_path;  // LD_LIBRARY_PATH
    std::vector<Mapped> mapped;              // in order of mapping
    auto operator<=>(const Image&) const = default;
  };
  struct RecentOpen {
    FileId file;
    Lookup at;
  };
  struct Running {
    Image image;
    bool inherited = false;    // by fork, and nothing was mapped since
    bool after_cache = false;  // as of the library that is mapped next
    std::deque<RecentOpen> recent = {};
  };

  uint32_t index_of(const FileRef& file);
  uint32_t name_index(const Lookup& at);
  void on_exec(const Event& event, const ExecEvent& exec);
  void on_open(const Event& event, const OpenEvent& open);
  void on_mmap(const Event& event, const MmapEvent& map);
  void retire(const Image& image);

  std::vector<FileRef> files_{1};
  std::unordered_map<FileId, uint32_t, FileIdHash> index_;
  std::vector<OpenedName> opened_names_{1};
  std::map<OpenedName, uint32_t> name_index_;
  std::unordered_map<ProcessKey, Running, ProcessKeyHash> running_;
  std::map<Image, uint64_t> done_;
  std::optional<FileRef> preload_file_;  // /etc/ld.so.preload, when it was there
};

}  // namespace fptrace
