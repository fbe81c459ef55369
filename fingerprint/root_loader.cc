#include "fingerprint/root_loader.h"

#include <elf.h>
#include <sys/stat.h>

#include <deque>

#include "common/elf/ld_conf.h"

namespace fptrace {
namespace {

constexpr size_t kMaxLoaderFile = 64u << 20;  // the loader itself, its cache, its configuration

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

ElfKind kind_of(const ElfIdentity& elf) {
  return {elf.is_64, elf.little_endian, elf.machine, elf.flags};
}

// As the loader tells files that it cannot use at all from those that it can.
bool same_kind(const ElfIdentity& a, const ElfIdentity& b) {
  return a.is_64 == b.is_64 && a.little_endian == b.little_endian && a.machine == b.machine;
}

LinkObject link_object(const LoadedObject& loaded, const LinkObject* loader) {
  const ElfIdentity& elf = loaded.object->elf;
  return {loaded.object->path, directory_of(loaded.opened),
          elf.rpath,           elf.runpath,
          elf.no_default,      loader};
}

}  // namespace

RootLoader::RootLoader(const RootDirectory& root, std::optional<std::string> library_path,
                       std::string cwd)
    : root_(root), library_path_(std::move(library_path)), cwd_(std::move(cwd)) {}

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
  const bool secure = (file.st.st_mode & (S_ISUID | S_ISGID)) != 0;
  it->second = RootObject{file.path, std::move(*elf), secure};
  return &*it->second;
}

std::optional<std::string> RootLoader::text(const std::string& path) const {
  auto text = root_.files().read(path, kMaxLoaderFile);
  return text ? std::optional(std::move(*text)) : std::nullopt;
}

LoaderEnvironment RootLoader::environment_for(const LoaderSetup& setup) const {
  LoaderEnvironment e;
  e.library_path = library_path_;
  if (setup.musl) {
    e.path_file = text(setup.path_file);
    return e;
  }
  const auto bytes = text("/etc/ld.so.cache");
  if (auto cache = bytes ? parse_ld_cache(*bytes) : fail(Errc::kIo, "no cache"); cache) {
    e.cache = std::move(*cache);
    return e;
  }
  LdConfFiles conf;
  conf.read = [this](const std::string& path) { return text(path); };
  conf.list = [this](const std::string& path) {
    return root_.files().list(path).value_or(std::vector<std::string>{});
  };
  e.conf_directories = ld_conf_directories(conf);
  return e;
}

const LoaderSearch& RootLoader::search_for(const RootObject& program) {
  const ElfKind kind = kind_of(program.elf);
  const std::string& loader = program.elf.interpreter;
  const std::tuple key(loader, kind.is_64, kind.little_endian, kind.machine, kind.flags,
                       program.secure);
  if (const auto known = searches_.find(key); known != searches_.end()) return known->second;
  std::vector<std::string> directories;
  if (!loader.empty()) directories = loader_directories(text(loader).value_or(""));
  // The processor that will run it is this one only if the root is this host; a library for all
  // processors must be there anyway.
  LoaderSetup setup = loader_setup(kind, loader, std::move(directories), {});
  LoaderEnvironment environment = environment_for(setup);
  environment.secure = program.secure;
  return searches_.try_emplace(key, std::move(setup), std::move(environment)).first->second;
}

LoadedObject RootLoader::search(const std::string& name, const std::vector<LoadedObject>& chain) {
  const RootObject& program = *chain.front().object;
  const LoaderSearch& search = search_for(program);
  if (search.is_loader(name)) return {at(program.elf.interpreter), program.elf.interpreter};
  std::deque<LinkObject> links;  // does not move its elements
  for (const LoadedObject& loaded : chain) {
    const LinkObject* loader = links.empty() ? nullptr : &links.back();
    links.push_back(link_object(loaded, loader));
  }
  LoadedObject found;
  search.walk(name, links.back(), links.front(), [&](const LoaderSearch::Candidate& c) {
    const std::string path = c.path.starts_with('/') ? c.path : cwd_ + '/' + c.path;
    const RootObject* object = at(path);
    if (object == nullptr || !same_kind(object->elf, program.elf)) return false;
    found = {object, path};
    return true;
  });
  return found;
}

}  // namespace fptrace
