#include "fingerprint/pack/plan.h"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <set>

#include "common/analysis/pseudo_path.h"
#include "common/base/text.h"
#include "fingerprint/manifest_check.h"
#include "fingerprint/pack/host_tree.h"
#include "fingerprint/pack/manifest_paths.h"
#include "fingerprint/pack/secrets.h"

namespace fptrace::pack {
namespace {

constexpr int kMaxLinks = 40;  // MAXSYMLINKS, include/linux/namei.h
constexpr size_t kProblemsTold = 10;

std::string host_path(const ManifestFile& f) {
  return f.source.starts_with('/') ? f.source : f.path;
}

// The run had its content, or its list of names.
bool was_read(const ManifestFile& f) {
  for (const Role r : {Role::kExecutable, Role::kScript, Role::kInterpreter, Role::kLibrary,
                       Role::kData, Role::kDirectory})
    if (f.roles.has(r)) return true;
  return false;
}

bool is_gone(const Error& e) { return e.sys == ENOENT || e.sys == ENOTDIR; }

class Planner {
 public:
  Planner(const Manifest& manifest, const PlanOptions& options, HostTree tree)
      : manifest_(manifest), options_(options), tree_(std::move(tree)) {}
  Result<Plan> run();

 private:
  using Inode = std::pair<uint64_t, uint64_t>;

  void note(const std::string& path, std::string text) {
    plan_.notes.push_back({path, std::move(text)});
  }
  void problem(const std::string& path, const std::string& text) {
    problems_.push_back(printable(path) + ": " + text);
  }
  bool left_out(const ManifestFile& f);
  bool is_wanted(const std::string& path) const;
  PackEntry& add(const std::string& path, FileType type, uint32_t mode);
  void set_owner_and_time(PackEntry& e, const struct stat& st) const;
  void add_directory(const std::string& path);
  void add_one_directory(const std::string& path);
  void add_file(const ManifestFile& f);
  void add_regular(const ManifestFile& f);
  bool take_saved(const ManifestFile& f);
  void take_from_host(const ManifestFile& f, const UniqueFd& fd, const struct stat& st);
  void hold_place(const ManifestFile& f, const std::string& why);
  bool looks_like_key(const ManifestFile& f, int fd) const;
  void add_link(const std::string& path, const std::string& target);
  void add_symlink(const ManifestFile& f);
  bool step(const std::string& next, std::string& at, std::deque<std::string>& rest, int& links);
  std::optional<std::string> walk(const std::string& spelling);
  void follow_spellings(const ManifestFile& f);
  void add_listed(const std::string& directory);
  void add_name(const std::string& path, FileType type);
  void add_places();
  void link_hard();
  void note_counts();
  Error all_problems() const;

  const Manifest& manifest_;
  const PlanOptions& options_;
  HostTree tree_;
  Plan plan_;
  std::map<std::string, PackEntry> entries_;
  std::map<std::string, Inode> inodes_;  // of entries with several names on the host
  std::map<std::string, uint32_t> directory_modes_;
  std::set<std::string> made_or_missing_;
  std::vector<std::string> problems_;
  uint64_t unhashed_ = 0, names_only_ = 0;
};

bool Planner::left_out(const ManifestFile& f) {
  std::vector<std::string> names{f.path};
  names.insert(names.end(), f.as_used.begin(), f.as_used.end());
  names.insert(names.end(), f.links.begin(), f.links.end());
  if (f.source.starts_with('/')) names.push_back(f.source);
  const Verdict verdict = decide(options_.rules, names);
  if (verdict == Verdict::kInclude) return false;
  if (verdict == Verdict::kExclude) {
    note(f.path, "left out: --exclude");
    return true;
  }
  if (f.package) return false;  // packages bring no secrets
  for (const std::string& name : names) {
    const std::string_view what = secret_by_name(name);
    if (what.empty()) continue;
    note(f.path, "left out: looks like " + std::string(what) + "; --include '" + f.path +
                     "' takes it along");
    return true;
  }
  return false;
}

// Of what no role tells of: a name in a listed directory, a link.
bool Planner::is_wanted(const std::string& path) const {
  const Verdict verdict = decide(options_.rules, {path});
  if (verdict != Verdict::kNone) return verdict == Verdict::kInclude;
  return secret_by_name(path).empty();
}

PackEntry& Planner::add(const std::string& path, FileType type, uint32_t mode) {
  if (path != "/") add_directory(parent_path(path));
  PackEntry& e = entries_[path];
  e.path = path;
  e.type = type;
  e.mode = mode & 07777;
  e.mtime = options_.epoch;
  return e;
}

void Planner::set_owner_and_time(PackEntry& e, const struct stat& st) const {
  if (options_.keep_owner) {
    e.uid = st.st_uid;
    e.gid = st.st_gid;
  }
  if (options_.keep_times) e.mtime = st.st_mtim.tv_sec;
}

void Planner::add_directory(const std::string& path) {
  for (size_t at = 0; at != path.npos; at = path.find('/', at + 1))
    add_one_directory(at == 0 ? "/" : path.substr(0, at));
  add_one_directory(path);
}

void Planner::add_one_directory(const std::string& path) {
  if (const auto it = entries_.find(path); it != entries_.end()) {
    if (it->second.type != FileType::kDirectory)
      problem(path, "is a directory in one place of the manifest and none in another");
    return;
  }
  PackEntry e;
  e.path = path;
  e.type = FileType::kDirectory;
  e.mode = 0755;
  e.mtime = options_.epoch;
  if (const auto st = tree_.look(path); st && S_ISDIR(st->st_mode)) {
    e.mode = st->st_mode & 07777;
    set_owner_and_time(e, *st);
  }
  if (const auto mode = directory_modes_.find(path); mode != directory_modes_.end())
    e.mode = mode->second & 07777;
  entries_.emplace(path, std::move(e));
}

void Planner::add_file(const ManifestFile& f) {
  if (is_anonymous(f.path) || is_pseudo_path(f.path) || left_out(f)) return;
  switch (f.type) {
    case FileType::kRegular:
      return add_regular(f);
    case FileType::kDirectory:
      return add_directory(f.path);
    case FileType::kSymlink:
      return add_symlink(f);
    case FileType::kSocket:
      return note(f.path, "not packed: a socket, and whatever answers there");
    case FileType::kFifo:
      return note(f.path, "not packed: a pipe");
    case FileType::kCharDevice:
    case FileType::kBlockDevice:
      return note(f.path, "not packed: a device");
  }
}

bool Planner::take_saved(const ManifestFile& f) {
  if (options_.inputs.empty() || !f.sha256) return false;
  const std::string saved = options_.inputs + "/" + to_hex(*f.sha256);
  struct stat st {};
  if (::stat(saved.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return false;
  PackEntry& e = add(f.path, FileType::kRegular, f.mode.value_or(0644));
  e.content = PackEntry::Content::kSavedInput;
  e.source = saved;
  e.size = uint64_t(st.st_size);
  return true;
}

bool Planner::looks_like_key(const ManifestFile& f, int fd) const {
  if (f.package || decide(options_.rules, {f.path}) == Verdict::kInclude) return false;
  std::string head(kPrivateKeyHead, '\0');
  const ssize_t n = ::pread(fd, head.data(), head.size(), 0);
  return n > 0 && is_private_key(std::string_view(head.data(), size_t(n)));
}

void Planner::hold_place(const ManifestFile& f, const std::string& why) {
  PackEntry& e = add(f.path, FileType::kRegular, f.mode.value_or(0644));
  e.content = PackEntry::Content::kHole;
  e.size = f.size.value_or(0);
  e.extents.emplace();
  note(f.path, why + "; the run only asked about it, so zeros hold its place");
}

void Planner::take_from_host(const ManifestFile& f, const UniqueFd& fd, const struct stat& st) {
  PackEntry& e = add(f.path, FileType::kRegular, f.mode.value_or(st.st_mode));
  e.source = host_path(f);
  e.size = uint64_t(st.st_size);
  e.extents = read_extents(fd.get(), st);
  e.xattrs = read_xattrs(fd.get());
  set_owner_and_time(e, st);
  if (st.st_nlink > 1) inodes_[f.path] = {st.st_dev, st.st_ino};
  if (!f.sha256 && was_read(f)) ++unhashed_;
}

void Planner::add_regular(const ManifestFile& f) {
  const bool read = was_read(f);
  if (!take_saved(f)) {
    const auto fd = tree_.open_file(host_path(f));
    struct stat st {};
    if (!fd && read) return problem(f.path, fd.error().what);
    if (!fd && is_gone(fd.error())) return note(f.path, "is gone since the run asked about it");
    if (!fd) return hold_place(f, "cannot be read");
    if (::fstat(fd->get(), &st) != 0 || !S_ISREG(st.st_mode))
      return problem(f.path, "was a regular file when it was read, and is none now");
    if (looks_like_key(f, fd->get()))
      return note(f.path,
                  "left out: holds a private key; --include '" + f.path + "' takes it along");
    if (f.sha256 && f.size && *f.size != uint64_t(st.st_size))
      return problem(f.path, "has changed since the run read it");
    if (!read && uint64_t(st.st_size) > kMaxAskedAbout) return hold_place(f, "is large");
    take_from_host(f, *fd, st);
  }
  PackEntry& e = entries_[f.path];
  e.sha256 = f.sha256;
  e.package = f.package;
  e.config = f.config;
  e.seen = read;
}

void Planner::add_link(const std::string& path, const std::string& target) {
  if (const auto it = entries_.find(path); it != entries_.end()) {
    if (it->second.type != FileType::kSymlink)
      problem(path, "is a link in one place of the manifest and none in another");
    return;
  }
  PackEntry& e = add(path, FileType::kSymlink, 0777);
  e.target = target;
  if (const auto st = tree_.look(path)) set_owner_and_time(e, *st);
}

void Planner::add_symlink(const ManifestFile& f) {
  std::string target = f.target;
  if (target.empty()) {
    auto now = tree_.read_link(host_path(f));
    if (!now) return note(f.path, "is no link any more, as it was when the run asked about it");
    target = *std::move(now);
  }
  if (target.find('\0') != target.npos) return problem(f.path, "has a target with a zero byte");
  add_link(f.path, target);
  entries_[f.path].package = f.package;
}

// One name further on the way of a spelling. False: not there.
bool Planner::step(const std::string& next, std::string& at, std::deque<std::string>& rest,
                   int& links) {
  auto it = entries_.find(next);
  if (it == entries_.end()) {
    const auto st = tree_.look(next);
    if (!st) return false;
    if (S_ISDIR(st->st_mode)) {
      add_directory(next);
    } else if (S_ISLNK(st->st_mode)) {
      const auto target = tree_.read_link(next);
      if (!target) return false;
      add_link(next, *target);
    }
    it = entries_.find(next);
    if (it == entries_.end()) return false;  // a file that the package has not
  }
  if (it->second.type != FileType::kSymlink) {
    at = next;
    return rest.empty() || it->second.type == FileType::kDirectory;
  }
  it->second.seen = true;
  if (++links > kMaxLinks) return false;
  const std::vector<std::string> names = split_path(it->second.target);
  rest.insert(rest.begin(), names.begin(), names.end());
  if (it->second.target.starts_with('/')) at = "/";
  return true;
}

// Where a spelling leads within the package, with the links and directories on the way added to it.
// nullopt: nowhere.
std::optional<std::string> Planner::walk(const std::string& spelling) {
  const std::vector<std::string> names = split_path(spelling);
  std::deque<std::string> rest(names.begin(), names.end());
  std::string at = "/";
  for (int links = 0; !rest.empty();) {
    const std::string name = std::move(rest.front());
    rest.pop_front();
    if (name == "..") {
      at = parent_path(at);
      continue;
    }
    const std::string next = (at == "/" ? "" : at) + "/" + name;
    if (is_pseudo_path(next)) return next;
    if (!step(next, at, rest, links)) return std::nullopt;
  }
  return at;
}

void Planner::follow_spellings(const ManifestFile& f) {
  if (is_anonymous(f.path)) return;
  const bool pseudo = is_pseudo_path(f.path);
  if (!pseudo && !entries_.contains(f.path)) return;  // left out
  for (const std::string& spelling : f.as_used) {
    if (is_pseudo_path(spelling) || !is_wanted(spelling)) continue;
    const auto end = walk(spelling);
    // Through a mount of the run's own, or links in /proc, the way is not to be had again.
    if (pseudo || !f.source.empty() || (end && (*end == f.path || is_pseudo_path(*end)))) continue;
    problem(f.path, "the run came to it as " + printable(spelling) + ", which leads " +
                        (end ? "to " + printable(*end) : "nowhere") + " now");
  }
}

void Planner::add_name(const std::string& path, FileType type) {
  if (entries_.contains(path) || made_or_missing_.contains(path) || is_pseudo_path(path)) return;
  if (!is_wanted(path)) return;
  if (type == FileType::kSymlink) {
    if (const auto target = tree_.read_link(path)) add_link(path, *target);
    return;
  }
  if (type == FileType::kDirectory) return add_directory(path);
  const auto st = tree_.look(path);
  if (type != FileType::kRegular || !st) return;
  PackEntry& e = add(path, FileType::kRegular, st->st_mode);
  e.content = PackEntry::Content::kHole;
  e.extents.emplace();
  set_owner_and_time(e, *st);
  ++names_only_;
}

void Planner::add_listed(const std::string& directory) {
  const auto st = tree_.look(directory);
  // What lies in /tmp and the like belongs to others.
  if (st && (st->st_mode & S_ISVTX) != 0 && (st->st_mode & S_IWOTH) != 0) return;
  const auto names = tree_.list(directory);
  if (!names)
    return note(directory, "was listed by the run, and cannot be now: " + names.error().what);
  for (const auto& [name, type] : *names)
    add_name((directory == "/" ? "" : directory) + "/" + name, type);
}

// Directories that must be there though nothing in them is.
void Planner::add_places() {
  for (const char* mount_point : {"/dev", "/proc", "/sys"}) {
    add_directory(mount_point);
    entries_[mount_point].mode = 0755;
  }
  add_directory("/tmp");
  entries_["/tmp"].mode = 01777;
  if (!manifest_.cwd.empty()) add_directory(manifest_.cwd);
  std::set<std::string> made;
  for (const OutputFile& o : manifest_.outputs)
    if (o.type == FileType::kDirectory) made.insert(o.path);
  for (const OutputFile& o : manifest_.outputs) {
    if (is_anonymous(o.path) || is_pseudo_path(o.path)) continue;
    std::string dir = parent_path(o.path);
    while (dir != "/" && made.contains(dir)) dir = parent_path(dir);
    add_directory(dir);
  }
}

void Planner::link_hard() {
  std::map<std::pair<Inode, std::optional<Sha256>>, std::string> first;
  for (const auto& [path, inode] : inodes_) {
    const auto [it, is_first] = first.try_emplace({inode, entries_[path].sha256}, path);
    if (is_first) continue;
    PackEntry& e = entries_[path];
    e.hard_link = it->second;
  }
}

void Planner::note_counts() {
  if (unhashed_ > 0)
    note("",
         std::to_string(unhashed_) +
             " of the files that were read have no hash in the manifest: they are taken as they "
             "are now");
  if (names_only_ > 0)
    note("",
         std::to_string(names_only_) +
             " names that the run saw in directories it listed, and did nothing with, are empty "
             "files in the package");
}

Error Planner::all_problems() const {
  std::string text = problems_.size() == 1 ? "one file cannot be taken as it was to the run:"
                                           : std::to_string(problems_.size()) +
                                                 " files cannot be taken as they were to the run:";
  for (size_t i = 0; i < std::min(problems_.size(), kProblemsTold); ++i)
    text += "\n  " + problems_[i];
  if (problems_.size() > kProblemsTold)
    text += "\n  and " + std::to_string(problems_.size() - kProblemsTold) + " more";
  return {Errc::kIo,
          text +
              "\nTrace again with --save-inputs DIR and pack with --inputs DIR, or leave them "
              "out with --exclude"};
}

Result<Plan> Planner::run() {
  if (auto ok = check_paths(manifest_); !ok) return fail(ok.error());
  for (const MissingFile& m : manifest_.missing) made_or_missing_.insert(m.path);
  for (const OutputFile& o : manifest_.outputs) made_or_missing_.insert(o.path);
  for (const ManifestFile& f : manifest_.files)
    if (f.type == FileType::kDirectory && f.mode) directory_modes_[f.path] = *f.mode;
  add_directory("/");
  for (const ManifestFile& f : manifest_.files) add_file(f);
  for (const ManifestFile& f : manifest_.files) follow_spellings(f);
  add_places();
  for (const ManifestFile& f : manifest_.files)
    if (f.roles.has(Role::kDirectory) && entries_.contains(f.path) && !is_pseudo_path(f.path))
      add_listed(f.path);
  if (!problems_.empty()) return fail(all_problems());
  link_hard();
  note_counts();
  plan_.entries.reserve(entries_.size());
  for (auto& [path, entry] : entries_) plan_.entries.push_back(std::move(entry));
  return std::move(plan_);
}

}  // namespace

Result<Plan> make_plan(const Manifest& manifest, const PlanOptions& options) {
  if (auto ok = check_manifest(manifest); !ok) return fail(ok.error());
  auto tree = HostTree::open(options.root);
  if (!tree) return fail(tree.error());
  return Planner(manifest, options, *std::move(tree)).run();
}

}  // namespace fptrace::pack
