#include "fingerprint/root_loader.h"

#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <fnmatch.h>

#include <algorithm>
#include <memory>

namespace fptrace {
namespace {

constexpr size_t kMaxConfiguration = 1 << 20;
constexpr int kMaxDepth = 8;  // of files that include files

// Directories that loaders of one kind of machine have compiled in: Debian's multiarch ones first.
// Those of other distributions do no harm, since a file of another kind is passed over.
struct Defaults {
  uint16_t machine;
  bool is_64;
  const char* lib;  // $LIB
  std::vector<std::string> directories;
};
const std::vector<Defaults>& defaults() {
  static const auto* const all = new std::vector<Defaults>{
      {EM_X86_64,
       true,
       "lib/x86_64-linux-gnu",
       {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64"}},
      {EM_X86_64,
       false,
       "lib/x86_64-linux-gnux32",
       {"/lib/x86_64-linux-gnux32", "/usr/lib/x86_64-linux-gnux32", "/libx32", "/usr/libx32"}},
      {EM_386,
       false,
       "lib/i386-linux-gnu",
       {"/lib/i386-linux-gnu", "/usr/lib/i386-linux-gnu", "/lib32", "/usr/lib32"}},
      {EM_AARCH64,
       true,
       "lib/aarch64-linux-gnu",
       {"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64"}},
      {EM_ARM,
       false,
       "lib/arm-linux-gnueabihf",
       {"/lib/arm-linux-gnueabihf", "/usr/lib/arm-linux-gnueabihf"}},
      {EM_PPC64,
       true,
       "lib/powerpc64le-linux-gnu",
       {"/lib/powerpc64le-linux-gnu", "/usr/lib/powerpc64le-linux-gnu", "/lib64", "/usr/lib64"}},
      {EM_S390,
       true,
       "lib/s390x-linux-gnu",
       {"/lib/s390x-linux-gnu", "/usr/lib/s390x-linux-gnu", "/lib64", "/usr/lib64"}},
      {EM_RISCV,
       true,
       "lib/riscv64-linux-gnu",
       {"/lib/riscv64-linux-gnu", "/usr/lib/riscv64-linux-gnu", "/lib64", "/usr/lib64"}}};
  return *all;
}

const Defaults* defaults_for(const ElfIdentity& elf) {
  for (const Defaults& d : defaults()) {
    if (d.machine == elf.machine && d.is_64 == elf.is_64) return &d;
  }
  return nullptr;
}

std::vector<std::string> default_directories(const ElfIdentity& elf) {
  const Defaults* d = defaults_for(elf);
  std::vector<std::string> out = d != nullptr ? d->directories : std::vector<std::string>{};
  for (const char* last : {"/lib", "/usr/lib", "/usr/local/lib"}) out.emplace_back(last);
  return out;
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

void replace_all(std::string& text, const std::string& what, const std::string& with) {
  for (size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size()) {
    text.replace(at, what.size(), with);
  }
}

// Names in a directory of the root that match a shell pattern, sorted; as glob(3) gives them.
std::vector<std::string> matches(const RootDirectory& root, const std::string& pattern) {
  const std::string directory = directory_of(pattern);
  const std::string names = pattern.substr(pattern.rfind('/') + 1);
  std::vector<std::string> out;
  const PathLookup found = root.find(directory);
  if (!found.found) return out;
  UniqueFd fd(::openat(found.found->fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return out;
  const std::unique_ptr<DIR, int (*)(DIR*)> d(::fdopendir(fd.get()), &::closedir);
  if (!d) return out;
  fd.release();  // the stream owns it
  while (const dirent* entry = ::readdir(d.get())) {
    if (::fnmatch(names.c_str(), entry->d_name, FNM_PERIOD) == 0) {
      out.push_back(directory + "/" + entry->d_name);
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::vector<std::string> search_directories(const std::string& list, const std::string& origin,
                                            const std::string& lib) {
  std::vector<std::string> out;
  for (size_t at = 0; at < list.size();) {
    const size_t end = std::min(list.find_first_of(":;", at), list.size());
    std::string entry = list.substr(at, end - at);
    at = end + 1;
    if (entry.empty()) continue;
    for (const char* form : {"${ORIGIN}", "$ORIGIN"}) replace_all(entry, form, origin);
    for (const char* form : {"${LIB}", "$LIB"}) replace_all(entry, form, lib);
    out.push_back(std::move(entry));
  }
  return out;
}

LoaderConfiguration parse_loader_configuration(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r", kInclude = "include";
  LoaderConfiguration out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    line = line.substr(0, line.find('#'));
    while (!line.empty() && kBlank.find(line.front()) != kBlank.npos) line.remove_prefix(1);
    while (!line.empty() && kBlank.find(line.back()) != kBlank.npos) line.remove_suffix(1);
    if (line.starts_with('/')) out.directories.emplace_back(line);
    if (!line.starts_with(kInclude)) continue;
    line.remove_prefix(kInclude.size());
    const size_t pattern = line.find_first_not_of(kBlank);
    if (pattern != line.npos && pattern != 0) out.includes.emplace_back(line.substr(pattern));
  }
  return out;
}

RootLoader::RootLoader(const RootDirectory& root, const std::string& library_path)
    : root_(root), library_path_(search_directories(library_path, "", "")) {
  read_configuration("/etc/ld.so.conf", 0);
}

void RootLoader::read_configuration(const std::string& path, int depth) {
  const auto text = root_.read_text(path, kMaxConfiguration);
  if (!text || depth > kMaxDepth) return;
  LoaderConfiguration c = parse_loader_configuration(*text);
  for (std::string pattern : c.includes) {
    if (!pattern.starts_with('/')) pattern = directory_of(path) + "/" + pattern;
    for (const std::string& file : matches(root_, pattern)) read_configuration(file, depth + 1);
  }
  configured_.insert(configured_.end(), c.directories.begin(), c.directories.end());
}

const RootObject* RootLoader::at(const std::string& path) {
  if (const auto it = by_name_.find(path); it != by_name_.end()) return it->second;
  const PathLookup file = root_.find(path);
  const RootObject* object = file.found ? read(*file.found) : nullptr;
  by_name_.emplace(path, object);
  return object;
}

const RootObject* RootLoader::read(const FoundPath& file) {
  const auto [it, added] = objects_.try_emplace(file.path);
  if (!added) return it->second ? &*it->second : nullptr;
  const auto fd = RootDirectory::open_for_reading(file);
  if (!fd) return nullptr;
  auto elf = read_elf(fd->get());
  if (!elf) return nullptr;
  it->second = RootObject{file.path, std::move(*elf)};
  return &*it->second;
}

const RootObject* RootLoader::try_directories(const std::vector<std::string>& directories,
                                              const std::string& name,
                                              const RootObject& requester) {
  for (const std::string& directory : directories) {
    const RootObject* object = at(directory + "/" + name);
    if (object == nullptr || object->elf.machine != requester.elf.machine) continue;
    if (object->elf.is_64 == requester.elf.is_64) return object;
  }
  return nullptr;
}

const RootObject* RootLoader::search(const std::string& name, const Chain& chain) {
  const RootObject& requester = *chain.back();
  const Defaults* d = defaults_for(requester.elf);
  const auto expand = [&](const std::string& list, const RootObject& object) {
    return search_directories(list, directory_of(object.path), d != nullptr ? d->lib : "lib");
  };
  if (name.find('/') != name.npos) {
    const auto expanded = expand(name, requester);
    return expanded.empty() ? nullptr : at(expanded.front());
  }
  const RootObject* found = nullptr;
  if (requester.elf.runpath.empty()) {  // DT_RPATH counts for what an object's needs need, too
    for (auto it = chain.rbegin(); found == nullptr && it != chain.rend(); ++it) {
      if ((*it)->elf.runpath.empty()) {
        found = try_directories(expand((*it)->elf.rpath, **it), name, requester);
      }
    }
  }
  if (found == nullptr) found = try_directories(library_path_, name, requester);
  if (found == nullptr) {
    found = try_directories(expand(requester.elf.runpath, requester), name, requester);
  }
  if (found == nullptr) found = try_directories(configured_, name, requester);
  if (found == nullptr) {
    found = try_directories(default_directories(requester.elf), name, requester);
  }
  return found;
}

}  // namespace fptrace
