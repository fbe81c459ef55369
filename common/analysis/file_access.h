#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/analysis/file_names.h"
#include "common/analysis/hash.h"
#include "common/analysis/pseudo_path.h"
#include "common/analysis/roles.h"
#include "common/event/tracer.h"

namespace fptrace {

// A file that the run depends on, under one of the names it had when the run began.
struct FileUse {
  FileRef file;         // as first seen; `path` is free of process numbers
  RoleSet roles;        // never empty
  bool pseudo = false;  // of procfs, sysfs or devtmpfs: there is no content
  std::set<std::string> as_used, links, opened_by;
  std::set<std::string> openers;  // OpenEvent::opener, of opens that succeeded
  std::optional<Sha256> sha256;   // before the run's first change
  std::string peer;               // of a socket
  std::string target;             // of a symbolic link that was read
};

struct MissingUse {
  std::string path;
  int32_t error = 0;  // the smallest of those that lookups of this path met
};

struct FileOutput {
  std::string path;
  FileType type = FileType::kRegular;
  std::optional<Sha256> sha256;
  std::optional<uint64_t> size;
  std::string target;
};

struct FileReport {
  std::vector<FileUse> files;            // by path, then source
  std::vector<MissingUse> missing;       // by path
  std::vector<FileOutput> outputs;       // by path
  std::vector<std::string> temporaries;  // sorted
  std::map<std::string, uint64_t> gaps;  // what file access alone can tell is not covered
};

// Which files a run depends on, which it made, and which were only passing: DESIGN, truth rules 3
// and 4. What it decides where the rules leave a choice:
//
//  - A file is (device, inode, generation). Creating a file starts a generation; so does finding
//    one where the run removed the last name.
//  - What stood before the run is an input under the name it had then; several such names (hard
//    links, bind mounts) are several inputs. Names that the run gives it do not count.
//  - Reading what the run itself wrote is no input: created files, and files it truncated. A file
//    that was opened for writing without truncation still holds old content, so reading it counts.
//  - `missing` holds only what the run never made: a name that the run makes at any time, or that
//    lies below such a name, is dropped, whichever of looking and making came first (in a parallel
//    build that is chance). So is a name that the run removed before looking.
//  - A name that is only asked about and ends as an output is not an input: looking at the old
//    output before replacing it says nothing about the new one.
//  - An open by which a library is loaded, or an interpreter gets its script, is not `data`.
//  - A failed open or exec of a file that is there, for want of permission, counts as missing.
//
// Memory grows with the number of files, not of events.
class FileAccess : public Analysis {
 public:
  FileAccess();
  Cap needs() const override { return Cap::kProcesses | Cap::kFiles | Cap::kMaps; }
  Result<void> on_event(const Event& event) override;

  // May be asked at any time; the answer is about the trace so far.
  FileReport report() const;

 private:
  using Target = FileNames::Target;
  // One name of a file that was there before the run.
  struct Use {
    std::string path, source;
    RoleSet roles;
    std::set<std::string> as_used, links;
    std::vector<uint32_t> programs;  // that touched it: indices into programs_, sorted
    std::vector<uint32_t> openers;   // indices into opener_names_, sorted
    std::string peer;
  };
  struct Object {
    FileRef first;
    bool created = false;  // by the run
    bool pseudo = false;
    bool written = false;    // opened for writing, or truncated
    bool truncated = false;  // nothing of the content before the run is left
    bool gone = false;       // the run removed its last name
    uint64_t gone_ns = 0;    // since trace start
    uint32_t previous = 0;   // the generation before with the same inode number; 0: none
    std::optional<Sha256> input, output;
    std::optional<FileRef> output_file;
    std::string target;
    std::string last_name;  // of a created file
    std::vector<Use> uses;  // none for a created file
  };
  // What a process runs now, and what came in with it.
  struct Process {
    uint32_t program = 0;           // index into programs_; 0: not known
    std::vector<uint32_t> scripts;  // objects that its interpreter is to read
    std::vector<uint32_t> loaded;   // objects mapped as program or library
    std::deque<Target> pending;     // opened for reading; data unless it is mapped next
  };

  // Events.
  void on_exec(const Event& event, const ExecEvent& exec);
  void on_open(const Event& event, const OpenEvent& open);
  void on_fd(const Event& event, const FdEvent& fd);
  void on_mmap(const Event& event, const MmapEvent& map);
  void on_path(const Event& event, const PathEvent& path);
  void on_rename(const Event& event, const RenameEvent& rename);
  void on_socket(const Event& event, const SocketEvent& socket);
  void on_content(const ContentEvent& content);

  // Objects.
  Target locate(const FileRef& file);
  Target locate_pseudo(const FileRef& file);
  Use& use_of(uint32_t object, const FileRef& file, uint32_t& index);
  uint32_t add_object(const FileRef& file, bool created);
  void create(const FileRef& file, const std::string& target);
  void remove_name(const FileRef& file);
  bool reborn(const Object& object, const FileRef& file) const;
  Object& object(Target t) { return objects_[t.object]; }

  // Uses.
  Target touch(const Event& event, const FileRef& file, Role role);
  Target touch(const Event& event, const Lookup& at, Role role);
  void note_spelling(Target target, const Lookup& at);
  void opened(const Event& event, Target target, uint32_t flags);
  void mark_written(Target target, const std::string& name, bool truncates);
  void failed(const Event& event, const Lookup& at, int32_t error, bool opens);
  void look_miss(const std::string& looked_for, int32_t error);
  void add_pending(Process& process, Target target);
  void flush_pending(Process& process, size_t keep);
  uint32_t program_index(Target target);
  void note_opener(Target target, const std::string& opener);

  // Report.
  bool changed(const Object& object) const;
  std::vector<std::string> program_names() const;
  void report_outputs(FileReport& report) const;
  void report_temporaries(FileReport& report) const;
  void report_uses(FileReport& report) const;
  void report_missing(FileReport& report) const;
  std::string opener_name(uint32_t opener) const;
  FileUse make_use(const Object& object, const Use& use) const;

  std::vector<Object> objects_;  // [0] stands for "no file"
  std::unordered_map<FileId, uint32_t, FileIdHash> current_;
  std::unordered_map<std::string, uint32_t> pseudo_;  // by canonical path: procfs reuses inodes
  std::unordered_map<ProcessKey, Process, ProcessKeyHash> processes_;
  std::vector<Target> programs_;  // [0] stands for "not known"
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> program_index_;
  std::vector<std::string> opener_names_;  // as the events had them
  std::unordered_map<std::string, uint32_t> opener_index_;
  std::unordered_map<std::string, int32_t> missing_;
  std::set<std::string> untraced_peers_, network_peers_;
  FileNames names_;
  PseudoPaths pseudo_paths_;
  uint64_t wall_ns_ = 0;
};

}  // namespace fptrace
