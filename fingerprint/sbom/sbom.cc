#include "fingerprint/sbom/sbom.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "fingerprint/file_edges.h"
#include "fingerprint/sbom/purl.h"

namespace fptrace {
namespace {

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// A readable beginning, and what makes it unique.
std::string make_id(std::string_view prefix, std::string_view name, std::string_view identity) {
  constexpr size_t kMaxName = 40;
  std::string out(prefix);
  out += '-';
  for (const char c : name.substr(0, kMaxName)) {
    out += std::isalnum(uint8_t(c)) != 0 || c == '.' ? c : '-';
  }
  return out + "-" + to_hex(sha1(identity)).substr(0, 16);
}

std::string identity(const Package& p) {
  std::string out;
  for (const auto* part : {&p.manager, &p.name, &p.version, &p.arch}) (out += *part) += '\0';
  return out;
}

// Files that were only looked at, and those without content, are no materials.
bool is_material(const ManifestFile& f) {
  return f.type == FileType::kRegular && f.size && f.roles != RoleSet{Role::kMetadata} &&
         f.roles != RoleSet{Role::kSocket};
}

ComponentKind kind_of(const ManifestFile& f) {
  if (f.roles.has(Role::kExecutable) || f.roles.has(Role::kScript) ||
      f.roles.has(Role::kInterpreter)) {
    return ComponentKind::kApplication;
  }
  return f.roles.has(Role::kLibrary) ? ComponentKind::kLibrary : ComponentKind::kData;
}

// Whether the run may have begun with this file: one of its names is what the command line names.
bool may_be_main(const ManifestFile& f, std::string_view command) {
  if (kind_of(f) != ComponentKind::kApplication) return false;
  const auto is_it = [&](const std::string& name) { return base_name(name) == command; };
  return is_it(f.path) || std::any_of(f.as_used.begin(), f.as_used.end(), is_it) ||
         std::any_of(f.links.begin(), f.links.end(), is_it);
}

class SbomMaker {
 public:
  SbomMaker(const Manifest& m, SbomSource& source) : m_(m), source_(source) { s_.manifest = &m; }

  Sbom make() {
    add_components();
    for (size_t i = 0; i < m_.files.size(); ++i) add_file(i);
    add_dependencies();
    connect();
    return std::move(s_);
  }

 private:
  void add_components() {
    SbomComponent run;
    run.package.name = m_.argv.empty() ? "unknown" : std::string(base_name(m_.argv[0]));
    if (run.package.name.empty()) run.package.name = "unknown";
    run.id = "Run";
    run.kind = ComponentKind::kApplication;
    s_.components.push_back(std::move(run));
    std::set<Package> packages;
    for (const ManifestFile& f : m_.files) {
      if (!is_material(f)) continue;
      if (f.package) packages.insert(*f.package);
      packages.insert(f.other_packages.begin(), f.other_packages.end());
    }
    const Distribution distribution = distribution_of(m_.os);
    for (const Package& p : packages) {
      index_[p] = s_.components.size();
      s_.components.push_back({p,
                               make_id("Package", p.name, identity(p)),
                               purl(p, distribution),
                               ComponentKind::kData,
                               source_.facts(p),
                               {},
                               {}});
    }
  }

  void add_file(size_t i) {
    const ManifestFile& f = m_.files[i];
    owner_.push_back(f.package && index_.contains(*f.package) ? index_[*f.package] : 0);
    if (!is_material(f)) return;
    const size_t at = s_.files.size();
    file_at_[i] = at;
    s_.files.push_back(
        {&f, make_id("File", base_name(f.path), f.path + '\0' + f.source), source_.sha1(f)});
    std::set<size_t> owners{owner_[i]};
    for (const Package& p : f.other_packages) owners.insert(index_[p]);
    for (const size_t o : owners) {
      s_.components[o].files.push_back(at);
      s_.components[o].kind = std::min(s_.components[o].kind, kind_of(f));
    }
  }

  void add_dependencies() {
    std::vector<std::set<size_t>> needs(s_.components.size());
    for (const FileEdge& e : file_edges(m_)) {
      if (!file_at_.contains(e.from) || !file_at_.contains(e.to)) continue;
      const size_t from = owner_[e.from], to = owner_[e.to];
      // A packaged program that read one of the run's own files does not need the run.
      if (from != to && to != 0) needs[from].insert(to);
      if (e.kind == EdgeKind::kNeeded) s_.links.push_back({file_at_[e.from], file_at_[e.to]});
    }
    for (const SbomFile& f : s_.files) {
      const bool owned = f.file->package.has_value();
      if (owned && may_be_main(*f.file, s_.components[0].package.name)) {
        needs[0].insert(index_[*f.file->package]);
      }
    }
    for (size_t i = 0; i < needs.size(); ++i) {
      s_.components[i].depends_on.assign(needs[i].begin(), needs[i].end());
    }
  }

  void reach(size_t from, std::vector<bool>& reached) const {
    std::vector<size_t> todo{from};
    while (!todo.empty()) {
      const size_t next = todo.back();
      todo.pop_back();
      if (reached[next]) continue;
      reached[next] = true;
      const auto& more = s_.components[next].depends_on;
      todo.insert(todo.end(), more.begin(), more.end());
    }
  }

  // The run needs all there is: what nothing else leads to, it needs by itself. Programs come
  // first, since they lead to most of the rest.
  void connect() {
    std::vector<size_t>& direct = s_.components[0].depends_on;
    std::vector<bool> reached(s_.components.size());
    reach(0, reached);
    for (const ComponentKind kind :
         {ComponentKind::kApplication, ComponentKind::kLibrary, ComponentKind::kData}) {
      for (size_t i = 1; i < s_.components.size(); ++i) {
        if (reached[i] || s_.components[i].kind != kind) continue;
        direct.push_back(i);
        reach(i, reached);
      }
    }
    std::sort(direct.begin(), direct.end());
  }

  const Manifest& m_;
  SbomSource& source_;
  Sbom s_;
  std::map<Package, size_t> index_;
  std::vector<size_t> owner_;         // of each file of the manifest: a component
  std::map<size_t, size_t> file_at_;  // index into the manifest's files -> into the SBOM's
};

}  // namespace

Sbom make_sbom(const Manifest& manifest, SbomSource& source, uint64_t created,
               std::string tool_version) {
  Sbom sbom = SbomMaker(manifest, source).make();
  sbom.created = created;
  sbom.tool_version = std::move(tool_version);
  return sbom;
}

}  // namespace fptrace
