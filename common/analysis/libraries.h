#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/analysis/hash.h"
#include "common/analysis/roles.h"
#include "common/event/tracer.h"

namespace fptrace {

// What the dynamic loader reads in a file.
struct LinkInfo {
  bool elf = true;       // false: the file could be read and is something else
  bool program = false;  // has a PT_INTERP
  std::string soname;
  std::vector<std::string> needed;
};

// Files of the traced system, read after the trace. nullopt: gone, changed, or not readable.
class LinkSource {
 public:
  virtual ~LinkSource() = default;
  virtual std::optional<LinkInfo> link_info(const FileRef& file) = 0;
  virtual std::optional<std::string> text(const FileRef& file) = 0;
};

struct LoadedFile {
  FileRef file;
  Linkage linkage = Linkage::kUnknown;
  bool elf = true;       // false: mapped executable, but no library (known for sure)
  bool program = false;  // a program that was given to the loader as an argument
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
// programs' DT_NEEDED closure by soname; what is mapped and not in it was dlopen'ed.
// Memory grows with the number of different images, not of processes.
class Libraries : public Analysis {
 public:
  Cap needs() const override { return Cap::kProcesses | Cap::kMaps; }
  Result<void> on_event(const Event& event) override;
  LibraryReport report(LinkSource& source) const;

 private:
  // Indices into files_.
  struct Image {
    uint32_t program = 0, loader = 0;
    std::string preload;           // LD_PRELOAD and LD_AUDIT, as given
    std::vector<uint32_t> mapped;  // in order of mapping; index 0 of files_ stands for "none"
    auto operator<=>(const Image&) const = default;
  };
  struct Running {
    Image image;
    bool inherited = false;  // by fork, and nothing was mapped since
  };
  uint32_t index_of(const FileRef& file);
  void retire(const Image& image);
  std::vector<LoadedFile> resolve(const Image& image, LinkSource& source) const;

  std::vector<FileRef> files_{1};
  std::unordered_map<FileId, uint32_t, FileIdHash> index_;
  // Last parts of the names under which a file was opened: DT_NEEDED may be a link's name.
  std::unordered_map<FileId, std::set<std::string>, FileIdHash> names_;
  std::unordered_map<ProcessKey, Running, ProcessKeyHash> running_;
  std::map<Image, uint64_t> done_;
  std::optional<FileRef> preload_file_;  // /etc/ld.so.preload, when it was there
};

}  // namespace fptrace
