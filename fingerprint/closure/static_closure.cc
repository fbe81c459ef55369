#include "fingerprint/closure/static_closure.h"

#include <elf.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "common/content/sha256.h"
#include "common/elf/elf_identity.h"
#include "common/elf/ld_conf.h"
#include "common/elf/link_closure.h"
#include "common/proc/os_release.h"
#include "common/syscall/exec_image.h"
#include "fingerprint/closure/dlopen_note.h"
#include "fingerprint/closure/root_tree.h"
#include "fingerprint/closure/script_line.h"

namespace fptrace {
namespace {

constexpr size_t kMaxLoaderFile = 16 << 20;  // HostFiles reads no more either
constexpr size_t kScriptHead = 256;          // BINPRM_BUF_SIZE
constexpr int kMaxInterpreters = 5;          // as many as exec follows
constexpr const char* kCacheFile = "/etc/ld.so.cache";
constexpr const char* kPreloadFile = "/etc/ld.so.preload";
constexpr const char* kEnvPath[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                    "/usr/bin",        "/sbin",          "/bin"};

ElfKind kind_of(const ElfIdentity& elf) {
  return {elf.is_64, elf.little_endian, elf.machine, elf.flags};
}

// A library for Alpine names musl's C library so; that is its loader.
std::string loader_of(const ElfIdentity& elf) {
  constexpr std::string_view kMusl = "libc.musl-";
  for (const std::string& name : elf.needed) {
    if (elf.interpreter.empty() && name.starts_with(kMusl)) {
      return "/lib/ld-musl-" + name.substr(kMusl.size());
    }
  }
  return elf.interpreter;
}

bool is_program(const ElfIdentity& elf) {
  return elf.type == ET_EXEC || elf.pie || !elf.interpreter.empty();
}

// The files of the tree as the model of the loader wants them.
class ElfFiles final : public LinkFiles {
 public:
  explicit ElfFiles(const RootTree& tree) : tree_(tree) {}

  std::optional<File> open(const std::string& path) override {
    const auto [it, added] = found_.try_emplace(path);
    if (added) it->second = tree_.find(path);
    if (it->second.error != 0 || !S_ISREG(it->second.lookup.file.mode)) return std::nullopt;
    const std::string& canonical = it->second.lookup.file.path;
    const auto* entry = identity(canonical);
    if (entry == nullptr) return std::nullopt;
    return File{canonical, entry->get()};
  }
  // Where a path that open() was asked for led to.
  const Lookup& lookup(const std::string& path) const { return found_.at(path).lookup; }
  const std::set<std::string>& unreadable() const { return unreadable_; }

 private:
  // nullptr: not readable. One that holds nullptr: not ELF.
  const std::unique_ptr<ElfIdentity>* identity(const std::string& canonical) {
    const auto known = elves_.find(canonical);
    if (known != elves_.end()) return &known->second;
    const auto fd = tree_.open(canonical);
    if (!fd) {
      unreadable_.insert(canonical);
      return nullptr;
    }
    auto elf = read_elf(fd->get());
    auto& place = elves_[canonical];
    if (elf) place = std::make_unique<ElfIdentity>(std::move(*elf));
    return &place;
  }

  const RootTree& tree_;
  std::map<std::string, RootTree::Found> found_;
  std::map<std::string, std::unique_ptr<ElfIdentity>> elves_;
  std::set<std::string> unreadable_;
};

// Tells the manifest builder of the closure as if it were a trace: one process for each file.
class Closure {
 public:
  explicit Closure(const StaticOptions& options)
      : options_(options), tree_(options.root), files_(tree_), builder_(builder_options(options)) {}

  Result<StaticClosure> run();

 private:
  // What is executed, and how.
  struct Program {
    Lookup named;
    std::vector<Lookup> interpreters;
    std::string binary;                // canonical
    const ElfIdentity* elf = nullptr;  // of the binary
    std::string head;                  // of the file itself
    std::string missing;               // an interpreter that is not there
    const Lookup& executed() const { return interpreters.empty() ? named : interpreters.back(); }
  };

  static ManifestOptions builder_options(const StaticOptions& options) {
    ManifestOptions o;
    o.root = options.root;
    o.packages = options.packages;
    return o;
  }
  Result<Program> load_program(const std::string& path);
  void execute(const Program& program);
  void execute_env_program(const Program& program);
  void load_libraries(const Program& program);
  void read_loader_files(const LoaderSearch& search);
  void report(const LinkClosure& closure);
  const LoaderSearch& search_for(const ElfIdentity& elf, bool secure);
  LoaderEnvironment environment_for(const LoaderSetup& setup);
  std::vector<ClosureBuilder::Preload> preloads() const;
  Result<void> hash_files();
  void start();
  StaticClosure finish(const std::vector<Program>& programs);

  void emit(EventBody body) {
    // The builder's analyses accept any event; a failure would have to come from a sink of ours.
    (void)builder_.on_event({++seq_, 0, process_, process_.pid, std::move(body)});
  }
  void open(const std::string& path) { open(tree_.find(path)); }
  void open(const RootTree::Found& found) {
    OpenEvent e;
    e.at = found.lookup;
    e.error = found.error;
    if (found.error == 0) seen_[e.at.file.path] = e.at.file;
    emit(std::move(e));
  }
  std::optional<std::string> text(const std::string& path) const {
    const auto found = tree_.find(path);
    auto bytes = found.error == 0 ? tree_.read(found.lookup.file.path, kMaxLoaderFile)
                                  : Result<std::string>(fail_errno("", found.error));
    if (!bytes) return std::nullopt;
    return std::move(*bytes);
  }
  void warn(std::string sentence) {
    if (!only_possible_) warnings_.insert(std::move(sentence));
  }

  const StaticOptions& options_;
  const RootTree tree_;
  ElfFiles files_;
  ManifestBuilder builder_;
  ProcessKey process_;
  uint64_t seq_ = 0;
  std::map<std::string, FileRef> seen_;  // by canonical path: what is to be hashed
  std::map<std::tuple<std::string, bool, bool, uint16_t, uint32_t, bool>, LoaderSearch> searches_;
  std::map<std::string, std::string> rules_;  // by canonical path of the library
  std::set<std::string> warnings_;
  bool only_possible_ = false;  // what is looked at was not asked for by name
};

Result<Closure::Program> Closure::load_program(const std::string& path) {
  const auto not_program = [&](const std::string& why) {
    return fail(Errc::kParse, path + ": " + why, ENOEXEC);
  };
  Program program;
  std::string next = path;
  for (int depth = 0; depth <= kMaxInterpreters; ++depth) {
    RootTree::Found found = tree_.find(next);
    if (depth == 0 && found.error != 0) return fail_errno(options_.root + path, found.error);
    if (found.error != 0) {
      program.interpreters.push_back(std::move(found.lookup));
      program.missing = next;
      return program;
    }
    const auto head = tree_.read(found.lookup.file.path, kScriptHead);
    if (!head) return fail(head.error().code, head.error().what, head.error().sys);
    if (depth == 0) program.head = *head;
    (depth == 0 ? program.named : program.interpreters.emplace_back()) = std::move(found.lookup);
    if (const auto interpreter = script_interpreter(*head)) {
      // The kernel takes a relative name from the working directory of whoever runs the script.
      next = interpreter->starts_with('/') ? *interpreter : "/" + *interpreter;
      continue;
    }
    const auto fd = tree_.open(program.executed().file.path);
    if (!fd) return fail(fd.error());
    if (const auto elf = read_elf(fd->get()); !elf) {
      const std::string what = depth == 0 ? "neither a script with a #! line nor an ELF file"
                                          : "its interpreter " + next + " is not a program";
      return not_program(what + " (" + elf.error().what + ")");
    }
    const auto file = files_.open(next);
    if (!file || file->elf == nullptr) return not_program("changed while it was read");
    program.binary = file->path;
    program.elf = file->elf;
    return program;
  }
  return not_program("too many interpreters, one for another");
}

void Closure::execute(const Program& program) {
  ExecEvent exec;
  exec.program = program.named;
  exec.interpreters = program.interpreters;
  exec.argv = {program.named.path};
  if (options_.library_path) exec.env = {"LD_LIBRARY_PATH=" + *options_.library_path};
  exec.cwd = "/";
  seen_[program.named.file.path] = program.named.file;
  for (const Lookup& l : program.interpreters) {
    if (l.file.exists()) seen_[l.file.path] = l.file;
  }
  if (program.elf == nullptr) {
    const Lookup missing = exec.interpreters.back();
    emit(std::move(exec));
    open({missing, ENOENT});
    warn(program.missing + ", the interpreter of " + program.named.file.path + ", is missing");
    return;
  }
  if (!program.elf->interpreter.empty()) {
    const auto loader = tree_.find(program.elf->interpreter);
    if (loader.error == 0) seen_[loader.lookup.file.path] = loader.lookup.file;
    exec.loader = loader.lookup;
  }
  emit(std::move(exec));
  load_libraries(program);
}

void Closure::execute_env_program(const Program& program) {
  const auto name = env_program(program.head);
  if (!name || program.elf == nullptr) return;
  std::vector<std::string> places;
  if (name->find('/') != name->npos) places = {name->starts_with('/') ? *name : "/" + *name};
  for (const char* directory : kEnvPath) {
    if (places.empty() || name->find('/') == name->npos)
      places.push_back(std::string(directory) + '/' + *name);
  }
  for (const std::string& place : places) {
    const auto found = tree_.find(place);
    if (found.error != 0 || !S_ISREG(found.lookup.file.mode) ||
        (found.lookup.file.mode & 0111) == 0)
      continue;
    const auto next = load_program(place);
    if (next) return execute(*next);
  }
  warn(*name + ", which " + program.named.file.path + " runs through env, is not in " +
       "the usual directories");
  for (const std::string& place : places) open(place);
}

LoaderEnvironment Closure::environment_for(const LoaderSetup& setup) {
  LoaderEnvironment e;
  e.library_path = options_.library_path;
  if (setup.musl) {
    e.path_file = text(setup.path_file);
    return e;
  }
  const auto bytes = text(kCacheFile);
  auto cache = bytes ? parse_ld_cache(*bytes) : Result<std::vector<LdCacheEntry>>();
  if (bytes && cache) {
    e.cache = std::move(*cache);
    return e;
  }
  if (bytes) warn(options_.root + kCacheFile + " cannot be used: " + cache.error().what);
  LdConfFiles conf;
  conf.read = [this](const std::string& path) { return text(path); };
  conf.list = [this](const std::string& path) { return tree_.list(path); };
  e.conf_directories = ld_conf_directories(conf);
  return e;
}

const LoaderSearch& Closure::search_for(const ElfIdentity& elf, bool secure) {
  const std::string loader = loader_of(elf);
  const ElfKind kind = kind_of(elf);
  const std::tuple key(loader, kind.is_64, kind.little_endian, kind.machine, kind.flags, secure);
  const auto known = searches_.find(key);
  if (known != searches_.end()) return known->second;
  std::vector<std::string> directories;
  if (!loader.empty()) directories = loader_directories(text(loader).value_or(""));
  std::vector<std::string> hwcaps;
  if (kind.is_64 && kind.machine == EM_X86_64) {
    const auto cpu = RootTree("").read("/proc/cpuinfo", 1 << 16);
    if (cpu) hwcaps = x86_hwcaps(*cpu);
  }
  LoaderSetup setup = loader_setup(kind, loader, std::move(directories), std::move(hwcaps));
  LoaderEnvironment environment = environment_for(setup);
  environment.secure = secure;
  return searches_.try_emplace(key, std::move(setup), std::move(environment)).first->second;
}

std::vector<ClosureBuilder::Preload> Closure::preloads() const {
  std::vector<ClosureBuilder::Preload> all;
  for (std::string& name : split_preload(text(kPreloadFile).value_or(""))) {
    all.push_back({std::move(name), kPreloadFile});
  }
  return all;
}

// What the loader itself looks at first.
void Closure::read_loader_files(const LoaderSearch& search) {
  if (search.setup().musl) return open(search.setup().path_file);
  open(kPreloadFile);
  open(kCacheFile);
}

void Closure::load_libraries(const Program& program) {
  if (!program.elf->dynamic) return;
  if (program.elf->interpreter.empty() && program.elf->needed.empty()) return;
  const bool secure = (program.executed().file.mode & (S_ISUID | S_ISGID)) != 0;
  const LoaderSearch& search = search_for(*program.elf, secure);
  read_loader_files(search);
  const auto preload = search.setup().musl ? std::vector<ClosureBuilder::Preload>() : preloads();
  const ClosureBuilder builder(search, files_, "");
  report(builder.build({program.binary, program.elf}, preload, parse_dlopen_note));
}

void Closure::report(const LinkClosure& closure) {
  for (const LinkedFile& f : closure.files) {
    if (f.reason == LinkReason::kMain || f.reason == LinkReason::kInterp) continue;
    // The loader reads its cache anew for every dlopen().
    if (f.rule.starts_with("ld.so.cache") && f.reason == LinkReason::kDlopen) open(kCacheFile);
    const auto rule = rules_.try_emplace(f.path, f.rule).first;
    rule->second = std::min(rule->second, f.rule);
    const Lookup at = files_.lookup(f.opened);
    open({at, 0});
    MmapEvent map;
    map.file = at.file;
    emit(std::move(map));
  }
  for (const UnfoundLibrary& u : closure.unfound) {
    if (u.damaged.empty()) {
      for (const std::string& path : u.tried) open(path);
    }
    const std::string who = u.name + ", needed by " + u.requester + ", ";
    if (!u.damaged.empty()) {
      warn(who + "would be " + u.damaged + ", which is damaged or no ELF file");
    } else if (u.required) {
      warn(who + "is not found");
    }
  }
}

Result<void> Closure::hash_files() {
  process_ = {};
  for (const auto& [path, file] : seen_) {
    const auto fd = tree_.open(path);
    if (!fd) continue;  // said by the missing hash, as in a trace
    auto hash = sha256_of(fd->get());
    if (!hash) return fail(hash.error());
    emit(ContentEvent{ContentStage::kInput, file, *hash});
  }
  return {};
}

void Closure::start() {
  TraceStartEvent start;
  start.backend = "static";
  start.argv = options_.files;
  start.cwd = "/";
  start.os = os_name(text("/etc/os-release").value_or(""));
  utsname name{};
  if (options_.root.empty() && ::uname(&name) == 0) {
    start.kernel = name.release;
    start.machine = name.machine;
  }
  emit(std::move(start));
}

StaticClosure Closure::finish(const std::vector<Program>& programs) {
  GapEvent gap;
  gap.what = "static closure: run time not seen";
  emit(gap);
  emit(TraceEndEvent{});
  StaticClosure out;
  out.manifest = builder_.finish();
  out.manifest.exit.reset();  // nothing was run
  for (const Program& p : programs) {
    // A library is not executed: that was said to have its libraries looked for.
    if (p.elf == nullptr || !p.interpreters.empty() || is_program(*p.elf)) continue;
    for (ManifestFile& f : out.manifest.files) {
      if (f.path != p.binary) continue;
      f.roles.remove(Role::kExecutable);
      f.roles.add(Role::kLibrary);
    }
  }
  // A trace knows nothing of directories that only ldconfig would read.
  for (ManifestFile& f : out.manifest.files) {
    if (f.linkage == Linkage::kUnknown || !f.found_by.empty()) continue;
    if (const auto rule = rules_.find(f.path); rule != rules_.end()) f.found_by = rule->second;
  }
  for (const std::string& path : files_.unreadable())
    warn(options_.root + path + " cannot be read");
  out.warnings.assign(warnings_.begin(), warnings_.end());
  return out;
}

Result<StaticClosure> Closure::run() {
  std::vector<Program> programs;
  for (const std::string& path : options_.files) {
    auto program = load_program(path);
    if (!program) return fail(program.error());
    programs.push_back(std::move(*program));
  }
  for (const std::string& path : options_.possible) {
    if (auto program = load_program(path)) programs.push_back(std::move(*program));
  }
  start();
  for (size_t i = 0; i < programs.size(); ++i) {
    only_possible_ = i >= options_.files.size();
    process_ = {int32_t(i + 1), uint32_t(i + 1)};
    execute(programs[i]);
    execute_env_program(programs[i]);
    emit(ExitEvent{});
  }
  only_possible_ = false;
  if (auto hashed = hash_files(); !hashed) return fail(hashed.error());
  return finish(programs);
}

}  // namespace

Result<StaticClosure> make_static_closure(const StaticOptions& options) {
  return Closure(options).run();
}

}  // namespace fptrace
