#include "common/elf/link_closure.h"

#include <algorithm>
#include <deque>
#include <set>
#include <unordered_map>

namespace fptrace {
namespace {

// A hostile set of files could name ever new ones; no real program comes near these.
constexpr size_t kMaxFiles = 1 << 14;
constexpr size_t kMaxRequests = 1 << 18;

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == path.npos ? "/" : path.substr(0, slash);
}

bool same_kind(const ElfIdentity& a, const ElfIdentity& b) {
  return a.is_64 == b.is_64 && a.little_endian == b.little_endian && a.machine == b.machine;
}

// One program being loaded.
class Loading {
 public:
  Loading(const LoaderSearch& search, LinkFiles& files, const std::string& cwd,
          const LinkFiles::File& main)
      : search_(search), files_(files), cwd_(cwd), main_(main) {
    add({main.path, main.path, LinkReason::kMain, "", main.elf}, nullptr);
    by_path_[main.path] = 0;
  }

  void load_interpreter() {
    const std::string& name = main_.elf->interpreter;
    if (name.empty()) return;
    const auto file = files_.open(absolute(name));
    if (!file || file->elf == nullptr || !same_kind(*file->elf, *main_.elf)) {
      out.unfound.push_back(
          {name, main_.path, LinkReason::kInterp, true, {absolute(name)}, file ? file->path : ""});
      return;
    }
    register_file(add({file->path, absolute(name), LinkReason::kInterp, "PT_INTERP", file->elf},
                      &objects_.front()),
                  name);
  }

  void preload(const std::vector<ClosureBuilder::Preload>& preload) {
    for (const auto& [name, from] : preload) {
      if (search_.environment().secure && from != kPreloadFile && name.find('/') != name.npos)
        continue;
      request(name, 0, LinkReason::kPreload, true, from + ": ");
    }
  }

  // Everything that the files from number `next` on need.
  void follow(LinkReason reason) {
    for (; followed_ < out.files.size(); ++followed_) {
      const ElfIdentity& elf = *out.files[followed_].elf;
      // The loader loads itself before anything else, and needs nothing.
      if (out.files[followed_].reason == LinkReason::kInterp) continue;
      for (const std::string& name : elf.filters) request(name, followed_, reason, true);
      for (const std::string& name : elf.auxiliaries) request(name, followed_, reason, false);
      for (const std::string& name : elf.needed) request(name, followed_, reason, true);
    }
  }

  void load_notes(ClosureBuilder::NoteReader notes) {
    for (size_t i = 0; i < out.files.size(); ++i) {
      for (const std::string& json : out.files[i].elf->dlopen_notes) {
        for (const DlopenNote& note : notes(json)) load_note(note, i);
      }
      follow(LinkReason::kDlopen);
    }
  }

  LinkClosure out;

 private:
  static constexpr const char* kPreloadFile = "/etc/ld.so.preload";

  std::string absolute(const std::string& path) const {
    return path.starts_with('/') ? path : cwd_ + '/' + path;
  }

  size_t add(LinkedFile file, const LinkObject* loader) {
    LinkObject o;
    o.path = file.path;
    o.origin = directory_of(file.opened);
    o.rpath = file.elf->rpath;
    o.runpath = file.elf->runpath;
    o.no_default = file.elf->no_default;
    o.loader = loader;
    objects_.push_back(std::move(o));
    out.files.push_back(std::move(file));
    return out.files.size() - 1;
  }

  // Under which names this file need not be searched again.
  void register_file(size_t index, const std::string& name) {
    by_path_.try_emplace(out.files[index].path, index);
    by_name_.try_emplace(name, index);
    // musl remembers only what a library was asked for by.
    const std::string& soname = out.files[index].elf->soname;
    if (!search_.setup().musl && !soname.empty()) by_name_.try_emplace(soname, index);
  }

  void load_note(const DlopenNote& note, size_t requester) {
    const size_t before = out.unfound.size();
    for (const std::string& name : note.sonames) {
      if (request(name, requester, LinkReason::kDlopen, note.required)) {
        out.unfound.resize(before);  // one of the alternatives is enough
        return;
      }
    }
    if (out.unfound.size() > before) out.unfound.resize(before + 1);
  }

  bool request(const std::string& name, size_t requester, LinkReason reason, bool required,
               const std::string& rule_prefix = "") {
    if (name.empty() || search_.is_loader(name) || by_name_.contains(name)) return true;
    if (requests_++ > kMaxRequests || out.files.size() > kMaxFiles) return false;
    UnfoundLibrary unfound{name, out.files[requester].path, reason, required, {}, {}};
    const auto probe = [&](const LoaderSearch::Candidate& c) {
      const std::string path = absolute(c.path);
      const auto file = files_.open(path);
      if (!file) {
        if (!c.special) unfound.tried.push_back(path);
        return false;
      }
      if (file->elf == nullptr) {
        unfound.damaged = path;
        return true;
      }
      // Of another class or machine: passed over.
      if (!same_kind(*file->elf, *main_.elf)) return false;
      take(*file, path, name, requester, reason, rule_prefix + c.rule);
      return true;
    };
    const bool ended = search_.walk(name, objects_[requester], objects_.front(), probe);
    if (ended && unfound.damaged.empty()) return true;
    if (missed_.insert(name).second) out.unfound.push_back(std::move(unfound));
    return false;
  }

  void take(const LinkFiles::File& file, const std::string& opened, const std::string& name,
            size_t requester, LinkReason reason, std::string rule) {
    // The same file by another name (a link) is loaded once.
    const auto known = by_path_.find(file.path);
    const size_t index =
        known != by_path_.end()
            ? known->second
            : add({file.path, opened, reason, std::move(rule), file.elf}, &objects_[requester]);
    register_file(index, name);
  }

  const LoaderSearch& search_;
  LinkFiles& files_;
  const std::string& cwd_;
  const LinkFiles::File& main_;
  std::deque<LinkObject> objects_;  // one for each of out.files
  std::unordered_map<std::string, size_t> by_path_, by_name_;
  std::set<std::string> missed_;
  size_t followed_ = 0, requests_ = 0;
};

}  // namespace

ClosureBuilder::ClosureBuilder(const LoaderSearch& search, LinkFiles& files, std::string cwd)
    : search_(search), files_(files), cwd_(std::move(cwd)) {}

LinkClosure ClosureBuilder::build(const LinkFiles::File& main, const std::vector<Preload>& preload,
                                  NoteReader notes) const {
  Loading loading(search_, files_, cwd_, main);
  loading.load_interpreter();
  loading.preload(preload);
  loading.follow(LinkReason::kNeeded);
  loading.load_notes(notes);
  return std::move(loading.out);
}

}  // namespace fptrace
