#include "common/analysis/file_access.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/analysis/process_tree.h"

namespace fptrace {
namespace {

// As many opens are held back, waiting to become a library, as a loader could have under way in
// several threads at once.
constexpr size_t kMaxPending = 64;

bool is_type(const FileRef& f, uint32_t type) { return (f.mode & S_IFMT) == type; }
// A mode of 0 is one that the tracer could not learn.
bool is_regular(const FileRef& f) { return is_type(f, S_IFREG) || (f.mode & S_IFMT) == 0; }
bool is_memfd(const FileRef& f) { return f.path.starts_with("memfd:"); }
bool reads(uint32_t flags) {
  return (flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR;
}
bool writes(uint32_t flags) {
  return (flags & O_ACCMODE) == O_WRONLY || (flags & O_ACCMODE) == O_RDWR;
}

// The tree answered that there is nothing there, or that it may not be looked at. Everything else
// (EINTR, EMFILE, ENOMEM, ...) says something about the moment or the call, not about a file.
bool is_absence(int32_t error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EACCES:
    case EPERM:
    case ENAMETOOLONG:
    case ENXIO:
    case ENODEV:
    case EROFS:
      return true;
    default:
      return false;
  }
}
bool is_denial(int32_t error) { return error == EACCES || error == EPERM || error == EROFS; }

// What is missing of a path that goes on with ".." behind a name that is not there: that name.
std::string before_climbing(const std::string& path) {
  for (size_t at = path.find("/.."); at != path.npos; at = path.find("/..", at + 1))
    if (at + 3 == path.size() || path[at + 3] == '/') return path.substr(0, at);
  return path;
}

// The name as the program gave it, made absolute. Symbolic links and `..` stay; what can never
// mean anything (`.`, doubled slashes) goes. Empty when the call named nothing.
std::string spelling(const Lookup& at) {
  if (at.path.empty() || (at.path[0] != '/' && at.base.empty())) return {};
  const std::string whole = at.path[0] == '/' ? at.path : at.base + "/" + at.path;
  std::string out;
  for (size_t i = 0; i < whole.size();) {
    const size_t end = std::min(whole.find('/', i), whole.size());
    const std::string_view part = std::string_view(whole).substr(i, end - i);
    if (!part.empty() && part != ".") (out += '/') += part;
    i = end + 1;
  }
  return out.empty() ? "/" : out;
}

void insert_sorted(std::vector<uint32_t>& v, uint32_t x) {
  const auto it = std::lower_bound(v.begin(), v.end(), x);
  if (it == v.end() || *it != x) v.insert(it, x);
}
bool contains(const std::vector<uint32_t>& v, uint32_t x) {
  return std::find(v.begin(), v.end(), x) != v.end();
}

}  // namespace

FileAccess::FileAccess() : objects_(1), programs_(1) {}

Result<void> FileAccess::on_event(const Event& event) {
  if (event.process.serial != 0) pseudo_paths_.add_traced(event.process.pid);
  match(
      event,  //
      [&](const TraceStartEvent& e) { wall_ns_ = e.wall_ns; },
      [&](const AttachEvent& e) {
        for (const int32_t tid : e.tids) pseudo_paths_.add_traced(tid);
      },
      [&](const ForkEvent& e) {
        pseudo_paths_.add_traced(e.child.pid);
        const Process parent = processes_[event.process];
        Process& child = processes_[e.child];
        child = {parent.program, parent.scripts, parent.loaded, {}};
      },
      [&](const ThreadEvent& e) { pseudo_paths_.add_traced(e.tid); },
      [&](const ExecEvent& e) { on_exec(event, e); },
      [&](const ExitEvent&) {
        flush_pending(processes_[event.process], 0);
        processes_.erase(event.process);
      },
      [&](const DetachEvent&) {
        flush_pending(processes_[event.process], 0);
        processes_.erase(event.process);
      },
      [&](const OpenEvent& e) { on_open(event, e); },  //
      [&](const FdEvent& e) { on_fd(event, e); },      //
      [&](const MmapEvent& e) { on_mmap(event, e); },  //
      [&](const ListEvent& e) { touch(event, e.directory, Role::kDirectory); },
      [&](const PathEvent& e) { on_path(event, e); },      //
      [&](const RenameEvent& e) { on_rename(event, e); },  //
      [&](const MountEvent& e) {
        if (e.error == 0) touch(event, e.target, Role::kMetadata);
      },
      [&](const SocketEvent& e) { on_socket(event, e); },
      [&](const ContentEvent& e) { on_content(e); },  //
      [](const TraceEndEvent&) {}, [](const ThreadExitEvent&) {}, [](const SignalEvent&) {},
      [](const GapEvent&) {}, [](const TaintSourceEvent&) {}, [](const TaintWriteEvent&) {},
      [](const TaintUseEvent&) {}, [](const TaintHolderEvent&) {}, [](const TaintQueryEvent&) {},
      [](const TaintUnmodelledEvent&) {}, [](const TaintSummaryEvent&) {},
      [](const TaintNoteEvent&) {});
  return {};
}

// Objects ----------------------------------------------------------------------------------------

uint32_t FileAccess::add_object(const FileRef& file, bool created) {
  const auto index = uint32_t(objects_.size());
  Object& o = objects_.emplace_back();
  o.first = file;
  o.created = created;
  o.pseudo = is_pseudo_path(file.path);
  o.last_name = created ? file.path : "";
  if (file.exists() && !o.pseudo) {
    auto [it, added] = current_.try_emplace(id_of(file), index);
    if (!added) o.previous = std::exchange(it->second, index);
  }
  return index;
}

// The inode number of a file that the run removed was given to a file that somebody else made.
// The old one, looked up before its removal but reported after it, has an older change time.
bool FileAccess::reborn(const Object& object, const FileRef& file) const {
  return object.gone && file.nlink > 0 && wall_ns_ != 0 &&
         file.ctime_ns > int64_t(wall_ns_ + object.gone_ns);
}

FileAccess::Use& FileAccess::use_of(uint32_t object, const FileRef& file, uint32_t& index) {
  std::vector<Use>& uses = objects_[object].uses;
  const bool made = names_.was_made(file.path);
  if (made && !uses.empty()) {
    // A name that the run gave to a file that was there: it counts under the name it had.
    const Target* known = names_.find(file.path);
    index = known != nullptr && known->object == object ? known->use : 0;
    return uses[index];
  }
  for (index = 0; index < uses.size(); ++index) {
    if (uses[index].path == file.path && uses[index].source == file.source) return uses[index];
  }
  const std::string path = names_.original(file.path);
  for (index = 0; index < uses.size(); ++index) {
    if (uses[index].path == path && uses[index].source == file.source) return uses[index];
  }
  Use& use = uses.emplace_back();
  use.path = path;
  use.source = file.source;
  return use;
}

FileAccess::Target FileAccess::locate_pseudo(const FileRef& file) {
  std::string path = pseudo_paths_.canonical(file.path);
  const auto [it, added] = pseudo_.try_emplace(path, 0);
  if (added) {
    it->second = add_object(file, names_.was_made(file.path));
    if (!objects_[it->second].created) objects_[it->second].uses.emplace_back().path = path;
  }
  return {it->second, 0};
}

// The file behind a reference; object 0 when it is nothing to speak of (a pipe, or no file).
FileAccess::Target FileAccess::locate(const FileRef& file) {
  if (!file.exists() || file.path.empty()) return {};
  if (is_anonymous(file.path) && !is_memfd(file)) return {};
  if (is_pseudo_path(file.path)) return locate_pseudo(file);
  const auto it = current_.find(id_of(file));
  uint32_t object = it == current_.end() ? 0 : it->second;
  if (object == 0 || reborn(objects_[object], file)) object = add_object(file, false);
  if (objects_[object].created) return {object, 0};
  Target t{object, 0};
  use_of(object, file, t.use);
  return t;
}

void FileAccess::create(const FileRef& file, const std::string& target) {
  if (file.path.empty() || is_anonymous(file.path)) return;
  const uint32_t object = add_object(file, true);
  objects_[object].target = target;
  // O_TMPFILE gives no name; one may come by a link.
  const bool unnamed = file.exists() && file.nlink == 0 && file.mode != 0;
  if (unnamed) objects_[object].last_name.clear();
  if (!unnamed) names_.make(file.path, {object, 0});
}

// The run took a name from a file that was there: by unlink, rmdir or by renaming over it.
void FileAccess::remove_name(const FileRef& file) {
  const auto it = current_.find(id_of(file));
  names_.remove(file.path);
  if (it == current_.end() || (file.nlink > 1 && !is_type(file, S_IFDIR))) return;
  objects_[it->second].gone = true;
}

// Uses -------------------------------------------------------------------------------------------

uint32_t FileAccess::program_index(Target target) {
  if (target.object == 0) return 0;
  const auto [it, added] =
      program_index_.try_emplace({target.object, target.use}, uint32_t(programs_.size()));
  if (added) programs_.push_back(target);
  return it->second;
}

void FileAccess::note_opener(Target target, const std::string& opener) {
  if (opener.empty() || object(target).created) return;
  const auto [it, added] = opener_index_.try_emplace(opener, uint32_t(opener_names_.size()));
  if (added) opener_names_.push_back(opener);
  insert_sorted(object(target).uses[target.use].openers, it->second);
}

FileAccess::Target FileAccess::touch(const Event& event, const FileRef& file, Role role) {
  const Target t = locate(file);
  if (t.object == 0 || object(t).created) return t;
  Use& use = object(t).uses[t.use];
  use.roles.add(role);
  if (const auto it = processes_.find(event.process); it != processes_.end()) {
    if (it->second.program != 0) insert_sorted(use.programs, it->second.program);
  }
  return t;
}

FileAccess::Target FileAccess::touch(const Event& event, const Lookup& at, Role role) {
  const Target t = touch(event, at.file, role);
  if (t.object != 0) note_spelling(t, at);
  return t;
}

void FileAccess::note_spelling(Target t, const Lookup& at) {
  if (object(t).created) return;
  Use& use = object(t).uses[t.use];
  for (const std::string& link : at.links) {
    if (!is_pseudo_path(link)) use.links.insert(names_.original(link));
  }
  if (at.path == use.path) return;
  std::string name = pseudo_paths_.canonical(spelling(at));
  if (!name.empty() && name != use.path) use.as_used.insert(std::move(name));
}

void FileAccess::add_pending(Process& process, Target t) {
  if (object(t).uses[t.use].roles.has(Role::kData) || contains(process.loaded, t.object) ||
      contains(process.scripts, t.object)) {
    return;
  }
  process.pending.push_back(t);
  flush_pending(process, kMaxPending);
}

void FileAccess::flush_pending(Process& process, size_t keep) {
  for (; process.pending.size() > keep; process.pending.pop_front()) {
    const Target t = process.pending.front();
    if (!contains(process.loaded, t.object)) object(t).uses[t.use].roles.add(Role::kData);
  }
}

void FileAccess::mark_written(Target t, const std::string& name, bool truncates) {
  Object& o = object(t);
  if (o.pseudo || !is_regular(o.first)) return;
  o.written = true;
  o.truncated = o.truncated || truncates;
  if (!o.created && !is_anonymous(name)) names_.follow(name, t);
}

// A descriptor with these O_* flags came to be on a file that was there before.
void FileAccess::opened(const Event& event, Target t, uint32_t flags) {
  const Object& o = object(t);
  const bool content =
      (flags & O_PATH) == 0 && !is_type(o.first, S_IFDIR) && (flags & O_ACCMODE) != O_ACCMODE;
  // Any way of using a device is using it: it has no content that could be told apart.
  const bool reading = o.pseudo || !is_regular(o.first) || (reads(flags) && !(flags & O_TRUNC));
  if (!content || !reading || o.truncated) return;
  add_pending(processes_[event.process], t);
}

void FileAccess::look_miss(const std::string& looked_for, int32_t error) {
  const std::string path = before_climbing(looked_for);
  if (path.empty() || is_anonymous(path)) return;
  if (is_pseudo_path(path)) {
    if (pseudo_paths_.of_stranger(path)) return;
  } else if (names_.below_removed(path)) {
    return;
  }
  const auto [it, added] =
      missing_.try_emplace(pseudo_paths_.canonical(names_.original(path)), error);
  if (!added) it->second = std::min(it->second, error);
}

void FileAccess::failed(const Event& event, const Lookup& at, int32_t error, bool opens) {
  if (at.file.exists()) {
    const Target t = touch(event, at, Role::kMetadata);
    if (t.object == 0 || object(t).created || !opens || !is_denial(error)) return;
  } else if (!is_absence(error)) {
    return;
  }
  look_miss(at.file.path.empty() ? spelling(at) : at.file.path, error);
}

// Events -----------------------------------------------------------------------------------------

void FileAccess::on_exec(const Event& event, const ExecEvent& exec) {
  if (exec.error != 0) {
    failed(event, exec.program, exec.error, true);
    // A script without its interpreter, a program without its loader: the kernel says ENOENT.
    for (const Lookup& at : exec.interpreters) {
      if (!at.file.exists()) look_miss(at.file.path, exec.error);
    }
    if (!exec.loader.file.exists()) look_miss(exec.loader.file.path, exec.error);
    return;
  }
  const bool script = !exec.interpreters.empty();
  Process next;
  Target binary = touch(event, exec.program, script ? Role::kScript : Role::kExecutable);
  if (script) next.scripts.push_back(binary.object);
  for (size_t i = 0; i < exec.interpreters.size(); ++i) {
    binary = touch(event, exec.interpreters[i], Role::kInterpreter);
    if (i + 1 == exec.interpreters.size()) break;
    touch(event, exec.interpreters[i].file, Role::kScript);
    next.scripts.push_back(binary.object);
  }
  next.program = program_index(binary);
  next.loaded.push_back(binary.object);
  Process& process = processes_[event.process];
  flush_pending(process, 0);
  process = std::move(next);
  // The new program asks for its loader, not the one that called exec.
  const Target loader = touch(event, exec.loader, Role::kLibrary);
  if (loader.object != 0) process.loaded.push_back(loader.object);
}

void FileAccess::on_open(const Event& event, const OpenEvent& open) {
  if (open.error != 0) return failed(event, open.at, open.error, true);
  if (open.created) {
    create(open.at.file, "");
    return;
  }
  const Target t = touch(event, open.at, Role::kMetadata);
  if (t.object == 0) return;
  note_opener(t, open.opener);
  if (!object(t).created) opened(event, t, open.flags);
  if ((open.flags & O_PATH) != 0) return;
  const bool truncates = (open.flags & O_TRUNC) != 0;
  if (writes(open.flags) || truncates) mark_written(t, open.at.file.path, truncates);
}

void FileAccess::on_fd(const Event& event, const FdEvent& fd) {
  // A terminal or a pipe that was handed down is no dependency: another run has another one. What
  // is reached through a directory will name itself.
  if (!is_regular(fd.file) || is_pseudo_path(fd.file.path) || (fd.flags & O_PATH) != 0) return;
  // Nobody asked for a file that can only be written to; it counts if it is.
  const bool reading = reads(fd.flags);
  const Target t = reading ? touch(event, fd.file, Role::kMetadata) : locate(fd.file);
  if (t.object == 0) return;
  // The open that truncated it, if any, was not this run's.
  if (reading && !object(t).created) opened(event, t, fd.flags & ~uint32_t(O_TRUNC));
  if (writes(fd.flags)) mark_written(t, fd.file.path, false);
}

void FileAccess::on_mmap(const Event& event, const MmapEvent& map) {
  const Target t = locate(map.file);
  if (t.object == 0 || object(t).pseudo) return;
  Process& process = processes_[event.process];
  std::erase_if(process.pending, [&](const Target& p) { return p.object == t.object; });
  if (contains(process.loaded, t.object)) return;
  process.loaded.push_back(t.object);
  touch(event, map.file, Role::kLibrary);
}

void FileAccess::on_path(const Event& event, const PathEvent& path) {
  const FileRef& file = path.at.file;
  if (path.error != 0) return failed(event, path.at, path.error, false);
  if (makes_name(path.op)) {
    create(file, path.op == PathOp::kSymlink ? path.target : "");
    return;
  }
  const Target t = touch(event, path.at, Role::kMetadata);
  if (removes_name(path.op)) {
    remove_name(file);
    if (t.object != 0) object(t).gone_ns = event.time_ns;
  }
  if (t.object == 0) return;
  if (path.op == PathOp::kTruncate) mark_written(t, file.path, false);
  if (path.op == PathOp::kReadlink && !object(t).pseudo) object(t).target = path.target;
}

void FileAccess::on_rename(const Event& event, const RenameEvent& rename) {
  const FileRef &from = rename.from.file, &to = rename.to.file;
  if (rename.error != 0) {
    failed(event, rename.from, rename.error, false);
    if (to.exists()) touch(event, rename.to, Role::kMetadata);
    return;
  }
  const Target moved = touch(event, rename.from, Role::kMetadata);
  const Target stood = touch(event, rename.to, Role::kMetadata);
  if (moved.object == 0 || to.path.empty()) return;
  if (rename.op == RenameOp::kLink) {
    // What is written under the new name changes the file under the old one, too.
    if (!object(moved).created && !is_anonymous(from.path)) names_.follow(from.path, moved);
    return names_.make(to.path, moved);
  }
  if (rename.op == RenameOp::kExchange) {
    return names_.exchange(from.path, moved, to.path, stood);
  }
  // rename(2): two names of the same file, nothing happens.
  if (to.exists() && id_of(from) == id_of(to)) return;
  if (stood.object != 0) {
    remove_name(to);
    object(stood).gone_ns = event.time_ns;
  }
  const bool preexisting_dir = is_type(from, S_IFDIR) && !object(moved).created;
  names_.move(from.path, to.path, moved, preexisting_dir);
  if (object(moved).created) object(moved).last_name = to.path;
}

void FileAccess::on_socket(const Event& event, const SocketEvent& socket) {
  const bool answered = socket.error == 0 || socket.error == EINPROGRESS;
  if (socket.op == SocketOp::kBind) {
    if (socket.error == 0 && socket.family == AF_UNIX && !socket.at.file.path.empty()) {
      FileRef file = socket.at.file;
      if (file.mode == 0) file.mode = S_IFSOCK;
      create(file, "");
    }
    return;
  }
  if (socket.family != AF_UNIX) {
    const bool network = socket.family == AF_INET || socket.family == AF_INET6;
    if (network && answered && !socket.peer_traced) network_peers_.insert(socket.address);
    return;
  }
  FileRef file = socket.at.file;
  if (socket.address.starts_with('@')) file.path = socket.address;  // abstract: in no directory
  if (!answered) {
    if (!file.path.starts_with('@')) failed(event, socket.at, socket.error, true);
    return;
  }
  if (socket.peer_traced || file.path.empty()) return;
  Target t;
  if (file.path.starts_with('@')) {
    const auto [it, added] = pseudo_.try_emplace(file.path, 0);
    if (added) {
      file.mode = S_IFSOCK;
      it->second = add_object(file, false);
      objects_[it->second].pseudo = true;
      objects_[it->second].uses.emplace_back().path = file.path;
    }
    t = {it->second, 0};
    object(t).uses[0].roles.add(Role::kSocket);
  } else {
    t = touch(event, socket.at, Role::kSocket);
    if (t.object == 0 || object(t).created) return;
  }
  object(t).uses[t.use].peer = socket.peer_exe;
  untraced_peers_.insert(file.path);
}

void FileAccess::on_content(const ContentEvent& content) {
  const auto it = current_.find(id_of(content.file));
  if (it == current_.end()) return;
  uint32_t object = it->second;
  if (content.stage == ContentStage::kOutput) {
    objects_[object].output = content.sha256;
    objects_[object].output_file = content.file;
    return;
  }
  // Hashing may have finished after the file was removed and its inode number used again.
  while (objects_[object].created && objects_[object].previous != 0) {
    object = objects_[object].previous;
  }
  if (!objects_[object].input) objects_[object].input = content.sha256;
}

// Report -----------------------------------------------------------------------------------------

bool FileAccess::changed(const Object& o) const {
  if (!o.written) return false;
  if (o.truncated || !o.output_file) return true;
  if (o.input && o.output && *o.input != *o.output) return true;
  return o.output_file->size != o.first.size || o.output_file->mtime_ns != o.first.mtime_ns;
}

// What the manifest calls each of programs_; empty for one whose name is chance or nothing.
std::vector<std::string> FileAccess::program_names() const {
  std::unordered_map<uint32_t, std::string> made;
  for (const auto& [name, target] : names_.names()) made.try_emplace(target.object, name);
  std::vector<std::string> out(programs_.size());
  for (size_t i = 1; i < programs_.size(); ++i) {
    const Target t = programs_[i];
    const Object& o = objects_[t.object];
    if (!o.created) out[i] = o.uses[t.use].path;
    if (const auto it = made.find(t.object); o.created && it != made.end()) out[i] = it->second;
  }
  return out;
}

// Empty for an object that was itself only temporary: its name may be another in every run.
std::string FileAccess::opener_name(uint32_t opener) const {
  const std::string& name = opener_names_[opener];
  if (!names_.below_made(name)) return names_.original(name);
  return names_.find(name) != nullptr ? name : "";
}

void FileAccess::report_outputs(FileReport& report) const {
  for (const auto& [name, target] : names_.names()) {
    const Object& o = objects_[target.object];
    if (target.object == 0 || o.pseudo || is_pseudo_path(name)) continue;
    const bool renamed = !o.created && o.uses[target.use].path != name;
    if (!o.created && !renamed && !changed(o)) continue;
    FileOutput out;
    out.path = name;
    out.type = file_type(o.first.mode);
    out.target = o.target;
    out.sha256 = o.output;
    if (o.output_file && out.type == FileType::kRegular) out.size = o.output_file->size;
    if (!o.created && !changed(o) && !o.output) {  // only the name is new
      out.sha256 = o.input;
      if (out.type == FileType::kRegular) out.size = o.first.size;
    }
    report.outputs.push_back(std::move(out));
  }
}

void FileAccess::report_temporaries(FileReport& report) const {
  std::vector<bool> named(objects_.size());
  for (const auto& [name, target] : names_.names()) named[target.object] = true;
  std::set<std::string> names;
  for (size_t i = 1; i < objects_.size(); ++i) {
    const Object& o = objects_[i];
    if (!o.created || o.pseudo || named[i] || o.last_name.empty()) continue;
    if (names_.find(o.last_name) == nullptr) names.insert(o.last_name);
  }
  report.temporaries.assign(names.begin(), names.end());
}

FileUse FileAccess::make_use(const Object& o, const Use& use) const {
  FileUse out;
  out.file = o.first;
  out.file.path = use.path;
  out.file.source = use.source;
  out.roles = use.roles;
  out.pseudo = o.pseudo;
  out.sha256 = o.input;
  out.peer = use.peer;
  out.target = file_type(o.first.mode) == FileType::kSymlink ? o.target : "";
  for (const std::string& name : use.as_used) {
    if (!names_.below_made(name)) out.as_used.insert(name);
  }
  for (const uint32_t opener : use.openers) {
    if (std::string name = opener_name(opener); !name.empty()) out.openers.insert(std::move(name));
  }
  for (const std::string& link : use.links) {
    if (!names_.below_made(link)) out.links.insert(link);
  }
  return out;
}

void FileAccess::report_uses(FileReport& report) const {
  std::set<std::string> outputs;
  for (const FileOutput& o : report.outputs) outputs.insert(o.path);
  const std::vector<std::string> programs = program_names();
  // Opens that still wait for a mapping count as reading, without ending the wait.
  std::set<std::pair<uint32_t, uint32_t>> pending;
  for (const auto& [key, process] : processes_) {
    for (const Target& t : process.pending) {
      if (!contains(process.loaded, t.object)) pending.insert({t.object, t.use});
    }
  }
  for (uint32_t i = 1; i < objects_.size(); ++i) {
    const Object& o = objects_[i];
    for (uint32_t j = 0; j < o.uses.size(); ++j) {
      FileUse use = make_use(o, o.uses[j]);
      if (pending.contains({i, j})) use.roles.add(Role::kData);
      if (use.roles.empty()) continue;
      if (use.roles == RoleSet{Role::kMetadata}) {
        if (outputs.contains(use.file.path)) continue;
      } else {
        use.roles.remove(Role::kMetadata);
      }
      RoleSet other = use.roles;
      other.remove(Role::kData);
      other.remove(Role::kMetadata);
      if (is_memfd(o.first) && other.empty()) continue;  // the run's own memory
      for (const uint32_t p : o.uses[j].programs) {
        if (!programs[p].empty()) use.opened_by.insert(programs[p]);
      }
      report.files.push_back(std::move(use));
    }
  }
}

void FileAccess::report_missing(FileReport& report) const {
  for (const auto& [path, error] : missing_) {
    if (!names_.below_made(path)) report.missing.push_back({path, error});
  }
  std::sort(report.missing.begin(), report.missing.end(),
            [](const MissingUse& a, const MissingUse& b) { return a.path < b.path; });
}

namespace {

bool only_asked(const FileUse& use) { return use.roles == RoleSet{Role::kMetadata}; }

void add_use(FileUse& to, FileUse& from) {
  to.roles.add(from.roles);
  if (!only_asked(to)) to.roles.remove(Role::kMetadata);
  to.as_used.merge(from.as_used);
  to.links.merge(from.links);
  to.opened_by.merge(from.opened_by);
  to.openers.merge(from.openers);
}

// Anonymous memory has no name of its own: a second content under the same one is told apart by a
// number, in the order of the hashes because that is the same in every run.
void number_memfds(std::vector<FileUse>& files) {
  std::map<std::string, std::set<std::optional<Sha256>>> contents;
  for (const FileUse& f : files) {
    if (is_memfd(f.file)) contents[f.file.path].insert(f.sha256);
  }
  for (FileUse& f : files) {
    if (!is_memfd(f.file)) continue;
    const auto& all = contents[f.file.path];
    const auto rank = std::distance(all.begin(), all.find(f.sha256));
    if (rank > 0) f.file.path += "#" + std::to_string(rank + 1);
  }
}

// Several files at one path: somebody outside the trace replaced it. What counts is the content
// that the run met first; what was done with the others is added to it.
void merge_same_paths(FileReport& report) {
  number_memfds(report.files);
  const auto key = [](const FileUse& f) { return std::tie(f.file.path, f.file.source); };
  std::stable_sort(report.files.begin(), report.files.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
  std::vector<FileUse> merged;
  for (FileUse& use : report.files) {
    if (merged.empty() || key(merged.back()) != key(use)) {
      merged.push_back(std::move(use));
      continue;
    }
    FileUse& first = merged.back();
    if (only_asked(first) && !only_asked(use)) {
      first.sha256 = use.sha256;
      first.file = use.file;
    } else if (!only_asked(use) && first.sha256 != use.sha256) {
      ++report.gaps["file replaced during the run"];
    }
    add_use(first, use);
  }
  report.files = std::move(merged);
}

}  // namespace

FileReport FileAccess::report() const {
  FileReport report;
  report_outputs(report);
  report_temporaries(report);
  report_uses(report);
  report_missing(report);
  merge_same_paths(report);
  if (!untraced_peers_.empty()) {
    report.gaps["unix socket peer not traced"] = untraced_peers_.size();
  }
  if (!network_peers_.empty()) report.gaps["network peer not traced"] = network_peers_.size();
  return report;
}

}  // namespace fptrace
