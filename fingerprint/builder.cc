#include "fingerprint/builder.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "common/analysis/coverage.h"
#include "common/analysis/environment.h"
#include "common/analysis/file_access.h"
#include "common/analysis/libraries.h"
#include "common/analysis/process_tree.h"
#include "fingerprint/host_files.h"
#include "fingerprint/packages/owners.h"

namespace fptrace {
namespace {

// Names where to look for what the manifest says in JSON's words.
std::string error_name(int32_t error) {
  const char* name = ::strerrorname_np(error);
  return name != nullptr ? name : std::to_string(error);
}

std::vector<std::string> to_list(const std::set<std::string>& s) { return {s.begin(), s.end()}; }

bool is_directory(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

// Sums up a trace as it comes in: what only the summary wants to know.
class StatsCounter {
 public:
  void count(const Event& event) {
    ++stats.events;
    stats.duration_ns = std::max(stats.duration_ns, event.time_ns);
    const bool attach = std::holds_alternative<AttachEvent>(event.body);
    if (attach || std::holds_alternative<ForkEvent>(event.body)) ++stats.processes;
    if (event.process.serial != 0 && !std::exchange(any_process_, true) && !attach) {
      ++stats.processes;  // the main program is nobody's child
    }
    const auto* exec = std::get_if<ExecEvent>(&event.body);
    if (exec == nullptr || exec->error != 0) return;
    ++stats.execs;
    ++stats.programs[exec->program.file.path];
  }
  RunStats stats;

 private:
  bool any_process_ = false;
};

}  // namespace

struct ManifestBuilder::Impl {
  explicit Impl(ManifestOptions o) : options(std::move(o)), owners(options.root) {}

  ManifestFile make_file(const FileUse& use, const LibraryReport& libraries, HostFiles& host);
  void classify(const FileUse& use, const LibraryReport& libraries, ManifestFile& file) const;
  void add_elf(const FileUse& use, HostFiles& host, ManifestFile& file);
  void add_owners(const FileUse& use, const ElfIdentity* elf, ManifestFile& file);
  void add_processes(Manifest& m) const;
  void count_packages(Manifest& m) const;

  ManifestOptions options;
  FileAccess files;
  Libraries libraries;
  Environment environment;
  Coverage coverage;
  ProcessTree processes;  // only fed when processes are asked for: one record each
  StatsCounter counter;
  std::optional<TraceStartEvent> start;
  std::optional<TraceEndEvent> end;
  Owners owners;
};

ManifestBuilder::ManifestBuilder(ManifestOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
ManifestBuilder::~ManifestBuilder() = default;

Cap ManifestBuilder::needs() const {
  const Cap needs = Cap::kProcesses | Cap::kFiles | Cap::kMaps;
  return impl_->options.openers ? needs | Cap::kOpeners : needs;
}

Result<void> ManifestBuilder::on_event(const Event& event) {
  Impl& i = *impl_;
  i.counter.count(event);
  if (const auto* start = std::get_if<TraceStartEvent>(&event.body)) i.start = *start;
  if (const auto* end = std::get_if<TraceEndEvent>(&event.body)) i.end = *end;
  if (auto r = i.files.on_event(event); !r) return r;
  if (auto r = i.libraries.on_event(event); !r) return r;
  if (auto r = i.environment.on_event(event); !r) return r;
  if (auto r = i.coverage.on_event(event); !r) return r;
  if (!i.options.with_processes) return {};
  return i.processes.on_event(event);
}

// What the loader did with a file that was mapped executable.
void ManifestBuilder::Impl::classify(const FileUse& use, const LibraryReport& libraries,
                                     ManifestFile& file) const {
  if (!file.roles.has(Role::kLibrary)) return;
  const auto it = libraries.files.find(id_of(use.file));
  if (it == libraries.files.end()) return;
  const LoadedFile& loaded = it->second;
  file.linkage = loaded.linkage;
  if (loaded.elf && !loaded.program) {
    file.found_by = loaded.found_by;
    return;
  }
  file.roles.remove(Role::kLibrary);
  file.roles.add(loaded.program ? Role::kExecutable : Role::kData);
  if (file.linkage == Linkage::kInterp) return;
  file.linkage = Linkage::kUnknown;
}

void ManifestBuilder::Impl::add_elf(const FileUse& use, HostFiles& host, ManifestFile& file) {
  const bool loads = file.roles.has(Role::kExecutable) || file.roles.has(Role::kInterpreter) ||
                     file.roles.has(Role::kLibrary);
  const ElfIdentity* elf = loads ? host.elf(use.file) : nullptr;
  if (elf != nullptr)
    file.elf = {elf->soname,   elf->interpreter, elf->needed,
                elf->build_id, elf->requires_,   elf->provides};
  add_owners(use, elf, file);
}

void ManifestBuilder::Impl::add_owners(const FileUse& use, const ElfIdentity* elf,
                                       ManifestFile& file) {
  // A directory is shared by all who put files there.
  if (!options.packages || use.pseudo || file.type == FileType::kDirectory) return;
  const Ownership owned =
      owners.find(file.path, elf != nullptr ? std::string_view(elf->package_note) : "");
  if (owned.packages.empty()) return;
  // Every package with something below a directory lists it, also by an alias such as /bin.
  const bool alias = file.type == FileType::kSymlink && is_directory(options.root + file.path);
  if (alias && owned.packages.size() > 1) return;
  file.package = owned.packages.front();
  file.other_packages.assign(owned.packages.begin() + 1, owned.packages.end());
  file.config = owned.config;
}

ManifestFile ManifestBuilder::Impl::make_file(const FileUse& use, const LibraryReport& libraries,
                                              HostFiles& host) {
  ManifestFile file;
  file.path = use.file.path;
  file.source = use.file.source;
  file.type = file_type(use.file.mode);
  file.roles = use.roles;
  file.as_used = to_list(use.as_used);
  file.links = to_list(use.links);
  file.opened_by = to_list(use.opened_by);
  file.openers = to_list(use.openers);
  file.peer = use.peer;
  file.target = use.target;
  if (use.file.mode != 0) file.mode = use.file.mode & 07777;
  // A file that was only asked about has no content that mattered, though it may have been hashed
  // (all it takes is that the run wrote to it).
  const bool content = use.roles != RoleSet{Role::kMetadata} && use.roles != RoleSet{Role::kSocket};
  if (file.type == FileType::kRegular && !use.pseudo) {
    file.size = use.file.size;
    if (content) file.sha256 = use.sha256;
  }
  classify(use, libraries, file);
  add_elf(use, host, file);
  return file;
}

void ManifestBuilder::Impl::add_processes(Manifest& m) const {
  m.processes.emplace();
  for (const ProcessRecord& r : processes.processes()) {
    ManifestProcess p;
    p.id = r.key.serial;
    p.parent = r.parent.serial;
    p.pid = r.key.pid;
    p.program = r.program;
    p.argv = r.argv;
    p.exit = r.exit;
    if (options.with_times) p.start_ns = r.start_ns;
    if (options.with_times && (r.exit || r.detached)) p.end_ns = r.end_ns;
    m.processes->push_back(std::move(p));
  }
}

void ManifestBuilder::Impl::count_packages(Manifest& m) const {
  std::map<Package, uint64_t> count;
  for (const ManifestFile& f : m.files) {
    if (f.package) ++count[*f.package];
    for (const Package& p : f.other_packages) ++count[p];
  }
  for (const auto& [package, files] : count) m.packages.push_back({package, files});
}

Manifest ManifestBuilder::finish() {
  Impl& i = *impl_;
  Manifest m;
  if (i.start) {
    m.argv = i.start->argv;
    m.cwd = i.start->cwd;
    m.os = i.start->os;
    m.kernel = i.start->kernel;
    m.machine = i.start->machine;
    m.backend = i.start->backend;
  }
  if (i.end) m.exit = i.end->status;
  HostFiles host(i.options.root, i.options.elf, m.backend == "emu");
  const LibraryReport libraries = i.libraries.report(host);
  FileReport report = i.files.report();
  for (const FileUse& use : report.files) m.files.push_back(i.make_file(use, libraries, host));
  for (const MissingUse& u : report.missing) m.missing.push_back({u.path, error_name(u.error)});
  for (FileOutput& o : report.outputs) {
    m.outputs.push_back({std::move(o.path), o.type, o.sha256, o.size, std::move(o.target)});
  }
  for (const auto& [name, value] : i.environment.variables()) {
    m.environment_set[name] = i.options.keep_secrets ? value : redact(name, value);
  }
  i.count_packages(m);
  std::map<std::string, uint64_t> gaps = i.coverage.gaps();
  for (const auto& [what, count] : report.gaps) gaps[what] += count;
  // Not of the trace, but without it a file that has an owner would look as if it had none.
  for (const std::string& what : i.owners.problems()) gaps["package database: " + what] = 1;
  for (const auto& [what, count] : gaps) m.undecoded.push_back({what, count});
  m.complete = gaps.empty();
  i.counter.stats.temporaries = report.temporaries.size();
  if (i.options.with_processes) i.add_processes(m);
  if (i.options.with_temporaries) m.temporaries = std::move(report.temporaries);
  if (i.options.with_times) {
    m.times = {i.start ? i.start->wall_ns : 0, i.counter.stats.duration_ns};
  }
  return m;
}

RunStats ManifestBuilder::stats() const { return impl_->counter.stats; }

}  // namespace fptrace
