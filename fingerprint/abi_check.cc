#include "fingerprint/abi_check.h"

#include <algorithm>
#include <map>
#include <set>

namespace fptrace {
namespace {

std::string_view base_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Whether `library` provides the version. glibc looks at versions by name only, not at the soname
// that they are listed under (do_lookup_x compares the version of the definition).
bool provides(const ElfIdentity& library, const Requirement& want) {
  return std::any_of(library.provides.begin(), library.provides.end(), [&](const std::string& p) {
    const Requirement has = parse_requirement(p);
    return has.version == want.version && has.is_64 == want.is_64;
  });
}

class AbiCheck {
 public:
  AbiCheck(const Manifest& manifest, LoaderView& loader) : manifest_(manifest), loader_(loader) {
    for (const ManifestFile& f : manifest.files) {
      if (!f.package) continue;
      if (f.elf && !f.elf->soname.empty()) bringers_.emplace(f.elf->soname, &*f.package);
      if (!f.roles.has(Role::kLibrary)) continue;
      bringers_.emplace(base_name(f.path), &*f.package);
      for (const std::string& name : f.as_used) bringers_.emplace(base_name(name), &*f.package);
    }
  }

  AbiReport run() {
    for (const ManifestFile& f : manifest_.files) {
      if (f.roles.has(Role::kExecutable) || f.roles.has(Role::kInterpreter)) check_program(f);
    }
    AbiReport report;
    report.findings.assign(findings_.begin(), findings_.end());
    report.objects = checked_.size();
    return report;
  }

 private:
  using Chain = std::vector<LoadedObject>;  // program, ..., what was needed last
  // What one process has loaded, and the names by which its loader knows an object again.
  struct Process {
    std::vector<Chain> loaded;  // each by the chain that ends in it
    std::map<std::string, const RootObject*, std::less<>> names;
  };

  LoadedObject find(const ManifestFile& file) {
    if (const RootObject* object = loader_.at(file.path)) return {object, file.path};
    for (const std::string& name : file.as_used) {
      if (const RootObject* object = loader_.at(name)) return {object, name};
    }
    return {};
  }

  static void add(Process& process, const LoadedObject& found, Chain chain,
                  const std::string& name) {
    process.names.emplace(name, found.object);
    const std::string& soname = found.object->elf.soname;
    if (!soname.empty()) process.names.emplace(soname, found.object);
    const bool known =
        std::any_of(process.loaded.begin(), process.loaded.end(),
                    [&](const Chain& loaded) { return loaded.back().object == found.object; });
    if (known) return;
    chain.push_back(found);
    process.loaded.push_back(std::move(chain));
  }

  // Loads what is needed by the objects from index `from` on, breadth first as ld.so does.
  void load_needed(Process& process, size_t from) {
    for (size_t i = from; i < process.loaded.size(); ++i) {
      const Chain chain = process.loaded[i];  // a copy: the list grows
      const RootObject& object = *chain.back().object;
      for (const auto* names : {&object.elf.filters, &object.elf.needed}) {
        for (const std::string& name : *names) {
          if (process.names.contains(name)) continue;
          const LoadedObject found = loader_.search(name, chain);
          found.object != nullptr ? add(process, found, chain, name) : missing(object, name);
        }
      }
    }
  }

  void check_program(const ManifestFile& file) {
    const LoadedObject program = find(file);
    if (program.object == nullptr || !program.object->elf.dynamic) return;
    Process process;
    const std::string& interpreter = program.object->elf.interpreter;
    if (!interpreter.empty()) {
      const RootObject* loader = loader_.at(interpreter);
      loader != nullptr
          ? add(process, {loader, interpreter}, {program}, std::string(base_name(interpreter)))
          : missing(*program.object, interpreter);
    }
    add(process, program, {}, program.object->path);
    load_needed(process, 0);
    for (const ManifestFile& library : manifest_.files) {
      if (library.roles.has(Role::kLibrary)) load_later(process, program, file, library);
    }
    for (const Chain& chain : process.loaded) check_versions(process, *chain.back().object);
  }

  // What this program was seen to load without needing it: by dlopen(3) or LD_PRELOAD.
  void load_later(Process& process, const LoadedObject& program, const ManifestFile& of,
                  const ManifestFile& library) {
    if (library.linkage == Linkage::kNeeded || library.linkage == Linkage::kInterp) return;
    if (!std::binary_search(library.opened_by.begin(), library.opened_by.end(), of.path)) return;
    const std::string soname = library.elf ? library.elf->soname : "";
    LoadedObject found = find(library);
    if (found.object == nullptr && !soname.empty()) found = loader_.search(soname, {program});
    if (found.object == nullptr) {
      // With a soname it may be anywhere, so only this tells that it is nowhere.
      if (!soname.empty()) missing(*program.object, soname);
      return;
    }
    const size_t from = process.loaded.size();
    add(process, found, {program}, std::string(base_name(found.object->path)));
    load_needed(process, from);
  }

  void check_versions(const Process& process, const RootObject& object) {
    checked_.insert(object.path);
    for (const std::string& text : object.elf.requires_) {
      const Requirement want = parse_requirement(text);
      if (want.version.empty()) continue;  // DT_NEEDED: done by load_needed
      const auto it = process.names.find(want.library);
      if (it == process.names.end()) continue;  // reported as not found
      if (!provides(it->second->elf, want)) unmet(object, text, *it->second);
    }
  }

  Finding& with_package(Finding& finding, std::string_view library) const {
    const auto it = bringers_.find(library);
    if (it != bringers_.end()) finding.package = *it->second;
    return finding;
  }

  void missing(const RootObject& object, const std::string& library) {
    Finding f;
    f.path = object.path;
    f.problem = Problem::kNoLibrary;
    f.expected = library;
    findings_.insert(with_package(f, base_name(library)));
  }

  void unmet(const RootObject& object, const std::string& requirement, const RootObject& library) {
    Finding f;
    f.path = object.path;
    f.problem = Problem::kUnmet;
    f.expected = requirement;
    f.at = library.path;
    findings_.insert(with_package(f, parse_requirement(requirement).library));
  }

  const Manifest& manifest_;
  LoaderView& loader_;
  std::map<std::string, const Package*, std::less<>> bringers_;  // by soname and file name
  std::set<Finding> findings_;
  std::set<std::string> checked_;
};

}  // namespace

Requirement parse_requirement(std::string_view text) {
  Requirement r;
  constexpr std::string_view k64 = "(64bit)";
  r.is_64 = text.ends_with(k64);
  if (r.is_64) text.remove_suffix(k64.size());
  r.library = text;
  const size_t open = text.rfind('(');
  if (open == text.npos || !text.ends_with(')')) return r;
  r.library = text.substr(0, open);
  r.version = text.substr(open + 1, text.size() - open - 2);
  return r;
}

AbiReport check_abi(const Manifest& manifest, LoaderView& loader) {
  return AbiCheck(manifest, loader).run();
}

}  // namespace fptrace
