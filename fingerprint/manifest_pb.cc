#include "manifest.pb.h"

#include <algorithm>

#include "fingerprint/manifest_check.h"
#include "fingerprint/manifest_file.h"

namespace fptrace {
namespace {

// Writing ----------------------------------------------------------------------------------------

template <class List>
void put(const std::vector<std::string>& from, List* to) {
  for (const std::string& s : from) *to->Add() = s;
}
void put(const std::optional<Sha256>& from, std::string* to) {
  if (from) to->assign(reinterpret_cast<const char*>(from->data()), from->size());
}
void put(const ExitStatus& from, pb::Exit* to) {
  to->set_code(from.code);
  to->set_signal(from.signal);
}
void put(const Package& from, pb::Package* to) {
  to->set_manager(from.manager);
  to->set_name(from.name);
  to->set_version(from.version);
  to->set_arch(from.arch);
}
void put(const ManifestFile& from, pb::File* to) {
  to->set_path(from.path);
  to->set_source(from.source);
  to->set_type(std::string(to_string(from.type)));
  put(from.as_used, to->mutable_as_used());
  put(from.links, to->mutable_links());
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (from.roles.has(Role(i))) to->add_roles(std::string(kRoleNames[i]));
  }
  to->set_linkage(std::string(to_string(from.linkage)));
  to->set_found_by(from.found_by);
  if (from.size) to->set_size(*from.size);
  if (from.mode) to->set_mode(*from.mode);
  put(from.sha256, to->mutable_sha256());
  if (from.package) put(*from.package, to->mutable_package());
  for (const Package& p : from.other_packages) put(p, to->add_other_packages());
  if (from.elf) {
    to->mutable_elf()->set_soname(from.elf->soname);
    to->mutable_elf()->set_interpreter(from.elf->interpreter);
    put(from.elf->needed, to->mutable_elf()->mutable_needed());
    to->mutable_elf()->set_build_id(from.elf->build_id);
    put(from.elf->requires_, to->mutable_elf()->mutable_needs());
    put(from.elf->provides, to->mutable_elf()->mutable_provides());
  }
  to->set_config(from.config);
  put(from.opened_by, to->mutable_opened_by());
  put(from.openers, to->mutable_openers());
  to->set_peer(from.peer);
  to->set_target(from.target);
}
void put(const OutputFile& from, pb::Output* to) {
  to->set_path(from.path);
  to->set_type(std::string(to_string(from.type)));
  put(from.sha256, to->mutable_sha256());
  if (from.size) to->set_size(*from.size);
  to->set_target(from.target);
}
void put(const ManifestProcess& from, pb::Process* to) {
  to->set_id(from.id);
  to->set_parent(from.parent);
  to->set_pid(from.pid);
  to->set_program(from.program);
  put(from.argv, to->mutable_argv());
  if (from.exit) put(*from.exit, to->mutable_exit());
  if (from.start_ns) to->set_start_ns(*from.start_ns);
  if (from.end_ns) to->set_end_ns(*from.end_ns);
}
void put_rest(const Manifest& m, pb::Manifest& to) {
  put(m.environment_read, to.mutable_environment()->mutable_read());
  for (const auto& [name, value] : m.environment_set) {
    auto* variable = to.mutable_environment()->add_set();
    variable->set_name(name);
    variable->set_value(value);
  }
  for (const PackageUse& p : m.packages) {
    auto* use = to.add_packages();
    put(p.package, use->mutable_package());
    use->set_files(p.files);
  }
  to.mutable_coverage()->set_complete(m.complete);
  for (const Undecoded& u : m.undecoded) {
    auto* undecoded = to.mutable_coverage()->add_undecoded();
    undecoded->set_what(u.what);
    undecoded->set_count(u.count);
  }
  if (m.processes) {
    auto* list = to.mutable_processes();
    for (const ManifestProcess& p : *m.processes) put(p, list->add_processes());
  }
  if (m.temporaries) put(*m.temporaries, to.mutable_temporaries()->mutable_paths());
  if (m.times) {
    to.mutable_times()->set_started_ns(m.times->started_ns);
    to.mutable_times()->set_duration_ns(m.times->duration_ns);
  }
}

// Reading ----------------------------------------------------------------------------------------

// Keeps the first error.
struct Decoder {
  std::string error;
  void wrong(const std::string& where, const std::string& what) {
    if (error.empty()) error = where + ": " + what;
  }
  template <class E, size_t N>
  E name_of(const std::array<std::string_view, N>& names, const std::string& name,
            const std::string& where) {
    const auto e = from_name<E>(names, name);
    if (!e) wrong(where, "unknown name");
    return e.value_or(E(0));
  }
  FileType type(const std::string& name, const std::string& where) {
    return name.empty() ? FileType::kRegular : name_of<FileType>(kFileTypeNames, name, where);
  }
  std::optional<Sha256> hash(const std::string& bytes, const std::string& where) {
    if (bytes.empty()) return std::nullopt;
    Sha256 h{};
    if (bytes.size() != h.size()) {
      wrong(where, "not 32 bytes");
      return std::nullopt;
    }
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(h.data()));
    return h;
  }
  ManifestFile file(const pb::File& from, const std::string& where);
  OutputFile output(const pb::Output& from, const std::string& where);
};

template <class List>
std::vector<std::string> list(const List& from) {
  return {from.begin(), from.end()};
}
ExitStatus exit_status(const pb::Exit& from) { return {from.code(), from.signal()}; }
Package package(const pb::Package& p) { return {p.manager(), p.name(), p.version(), p.arch()}; }

ManifestFile Decoder::file(const pb::File& from, const std::string& where) {
  ManifestFile f;
  f.path = from.path();
  f.source = from.source();
  f.type = type(from.type(), where + ".type");
  f.as_used = list(from.as_used());
  f.links = list(from.links());
  for (const std::string& r : from.roles()) {
    f.roles.add(name_of<Role>(kRoleNames, r, where + ".roles"));
  }
  f.linkage = name_of<Linkage>(kLinkageNames, from.linkage(), where + ".linkage");
  f.found_by = from.found_by();
  if (from.has_size()) f.size = from.size();
  if (from.has_mode()) f.mode = from.mode();
  f.sha256 = hash(from.sha256(), where + ".sha256");
  if (from.has_package()) f.package = package(from.package());
  for (const pb::Package& p : from.other_packages()) f.other_packages.push_back(package(p));
  if (from.has_elf()) {
    const pb::Elf& e = from.elf();
    f.elf = ElfInfo{e.soname(),   e.interpreter(), list(e.needed()),
                    e.build_id(), list(e.needs()), list(e.provides())};
  }
  f.config = from.config();
  f.opened_by = list(from.opened_by());
  f.openers = list(from.openers());
  f.peer = from.peer();
  f.target = from.target();
  return f;
}

OutputFile Decoder::output(const pb::Output& from, const std::string& where) {
  OutputFile o;
  o.path = from.path();
  o.type = type(from.type(), where + ".type");
  o.sha256 = hash(from.sha256(), where + ".sha256");
  if (from.has_size()) o.size = from.size();
  o.target = from.target();
  return o;
}

ManifestProcess process(const pb::Process& from) {
  ManifestProcess p;
  p.id = from.id();
  p.parent = from.parent();
  p.pid = from.pid();
  p.program = from.program();
  p.argv = list(from.argv());
  if (from.has_exit()) p.exit = exit_status(from.exit());
  if (from.has_start_ns()) p.start_ns = from.start_ns();
  if (from.has_end_ns()) p.end_ns = from.end_ns();
  return p;
}

void get_rest(const pb::Manifest& from, Manifest& m) {
  m.environment_read = list(from.environment().read());
  for (const auto& v : from.environment().set()) m.environment_set[v.name()] = v.value();
  for (const auto& p : from.packages()) m.packages.push_back({package(p.package()), p.files()});
  m.complete = from.coverage().complete();
  for (const auto& u : from.coverage().undecoded()) m.undecoded.push_back({u.what(), u.count()});
  if (from.has_processes()) {
    m.processes.emplace();
    for (const auto& p : from.processes().processes()) m.processes->push_back(process(p));
  }
  if (from.has_temporaries()) m.temporaries = list(from.temporaries().paths());
  if (from.has_times()) m.times = {from.times().started_ns(), from.times().duration_ns()};
}

}  // namespace

std::string to_pb(const Manifest& m) {
  pb::Manifest to;
  to.set_schema(kManifestSchema);
  put(m.argv, to.mutable_command()->mutable_argv());
  to.mutable_command()->set_cwd(m.cwd);
  if (m.exit) put(*m.exit, to.mutable_command()->mutable_exit());
  to.mutable_host()->set_os(m.os);
  to.mutable_host()->set_kernel(m.kernel);
  to.mutable_host()->set_machine(m.machine);
  to.set_backend(m.backend);
  for (const ManifestFile& f : m.files) put(f, to.add_files());
  for (const MissingFile& f : m.missing) {
    auto* missing = to.add_missing();
    missing->set_path(f.path);
    missing->set_error(f.error);
  }
  for (const OutputFile& o : m.outputs) put(o, to.add_outputs());
  put_rest(m, to);
  return to.SerializeAsString();
}

Result<Manifest> manifest_from_pb(std::string_view bytes) {
  pb::Manifest from;
  if (bytes.size() > INT32_MAX || !from.ParseFromArray(bytes.data(), int(bytes.size()))) {
    return fail(Errc::kParse, "manifest: not a protobuf message, or cut short");
  }
  if (auto r = check_schema(from.schema()); !r) return fail(r.error());
  Manifest m;
  m.argv = list(from.command().argv());
  m.cwd = from.command().cwd();
  if (from.command().has_exit()) m.exit = exit_status(from.command().exit());
  m.os = from.host().os();
  m.kernel = from.host().kernel();
  m.machine = from.host().machine();
  m.backend = from.backend();
  Decoder decoder;
  for (int i = 0; i < from.files_size(); ++i) {
    m.files.push_back(decoder.file(from.files(i), "files[" + std::to_string(i) + "]"));
  }
  for (const auto& f : from.missing()) m.missing.push_back({f.path(), f.error()});
  for (int i = 0; i < from.outputs_size(); ++i) {
    m.outputs.push_back(decoder.output(from.outputs(i), "outputs[" + std::to_string(i) + "]"));
  }
  get_rest(from, m);
  if (!decoder.error.empty()) return fail(Errc::kParse, decoder.error);
  if (auto r = check_manifest(m); !r) return fail(r.error());
  return m;
}

}  // namespace fptrace
