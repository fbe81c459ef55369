#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "common/content/sha256.h"
#include "fingerprint/root_loader.h"
#include "fingerprint/verify.h"

namespace fptrace {
namespace {

constexpr size_t kMaxDatabase = 256u << 20;
constexpr auto kProgressInterval = std::chrono::milliseconds(100);

// Everything about files of the root: reads them on several threads.
class Observer {
 public:
  Observer(const std::vector<const ManifestFile*>& files, const RootDirectory& root,
           VerifyMode mode)
      : files_(files), root_(root), mode_(mode), seen_(files.size()) {}

  std::vector<ObservedFile> run(unsigned threads,
                                const std::function<void(const VerifyProgress&)>& progress) {
    {
      std::vector<std::jthread> pool;
      for (unsigned i = 0; i < threads; ++i) pool.emplace_back([this] { work(); });
      std::unique_lock lock(mutex_);
      while (!finished_.wait_for(lock, kProgressInterval, [&] { return ended_ == threads; })) {
        if (progress) progress({done_, files_.size(), bytes_});
      }
    }
    return std::move(seen_);
  }
  uint64_t bytes() const { return bytes_; }

 private:
  void work() {
    for (size_t i; (i = next_++) < files_.size(); ++done_) seen_[i] = observe(*files_[i]);
    const std::lock_guard lock(mutex_);
    ++ended_;
    finished_.notify_one();
  }

  ObservedFile observe(const ManifestFile& file) {
    ObservedFile out;
    out.own = look(file, file.source.starts_with('/') ? file.source : file.path);
    for (const std::string& name : file.as_used) {
      out.as_used.push_back(look(file, name, out.own.present() ? &out.own : nullptr));
    }
    return out;
  }

  // `known`: not read again when the name leads to the same file.
  Observed look(const ManifestFile& file, const std::string& name,
                const Observed* known = nullptr) {
    Observed o;
    PathLookup lookup = root_.find(name, file.type != FileType::kSymlink);
    if (!lookup.found) {
      o.lost = std::move(lookup.lost);
      return o;
    }
    const FoundPath& found = *lookup.found;
    o.path = found.path;
    o.dev = found.st.st_dev;
    o.ino = found.st.st_ino;
    o.mode = found.st.st_mode;
    o.size = uint64_t(found.st.st_size);
    if (known != nullptr && known->dev == o.dev && known->ino == o.ino) return o;
    if (S_ISLNK(o.mode)) o.target = read_link(found).value_or("");
    // A file of another size has another content, whatever it is.
    const bool size_differs = file.size && *file.size != o.size;
    if (S_ISREG(o.mode) && wants_hash(file, mode_) && !size_differs) hash(found, o);
    return o;
  }

  void hash(const FoundPath& found, Observed& o) {
    const auto fd = RootDirectory::open_for_reading(found);
    if (!fd) {
      o.error = std::strerror(fd.error().sys);
      return;
    }
    const auto sha256 = sha256_of(fd->get());
    if (sha256) {
      o.sha256 = *sha256;
      bytes_ += o.size;
    } else {
      o.error = sha256.error().what;
    }
  }

  const std::vector<const ManifestFile*>& files_;
  const RootDirectory& root_;
  const VerifyMode mode_;
  std::vector<ObservedFile> seen_;  // each element written by one thread
  std::atomic<size_t> next_ = 0;
  std::atomic<uint64_t> done_ = 0, bytes_ = 0;
  std::mutex mutex_;
  std::condition_variable finished_;
  unsigned ended_ = 0;  // threads; guarded by mutex_
};

// What the run made, as if it were an input: to be there with this content.
ManifestFile as_file(const OutputFile& output) {
  ManifestFile f;
  f.path = output.path;
  f.type = output.type;
  f.roles = {Role::kData};
  f.size = output.size;
  f.sha256 = output.sha256;
  f.target = output.target;
  return f;
}

class Verification {
 public:
  Verification(const Manifest& manifest, const RootDirectory& root, const VerifyOptions& options)
      : manifest_(manifest), root_(root), options_(options) {}

  VerifyReport run(const std::function<void(const VerifyProgress&)>& progress) {
    read_versions();
    select();
    check_files(progress);
    check_missing();
    // With all libraries as they were, what they provide is what it was.
    if (options_.mode == VerifyMode::kAbi || other_libraries_) check_objects();
    for (Finding& f : report_.findings) add_installed(f);
    std::sort(report_.findings.begin(), report_.findings.end());
    return std::move(report_);
  }

 private:
  void select() {
    for (const ManifestFile& f : manifest_.files) {
      is_checkable(f, root_.is_host()) ? files_.push_back(&f) : void(++report_.skipped);
    }
    if (options_.outputs) {
      for (const OutputFile& o : manifest_.outputs) outputs_.push_back(as_file(o));
    }
    for (const ManifestFile& f : outputs_) {
      is_checkable(f, root_.is_host()) ? files_.push_back(&f) : void(++report_.skipped);
    }
  }

  void check_files(const std::function<void(const VerifyProgress&)>& progress) {
    unsigned threads =
        options_.threads != 0 ? options_.threads : std::thread::hardware_concurrency();
    threads = std::clamp<unsigned>(threads, 1, 64);
    Observer observer(files_, root_, options_.mode);
    const std::vector<ObservedFile> seen = observer.run(threads, progress);
    for (size_t i = 0; i < files_.size(); ++i) {
      const ManifestFile& file = *files_[i];
      auto findings = judge(file, seen[i], options_.mode);
      other_libraries_ = other_libraries_ || (!findings.empty() && file.elf);
      std::move(findings.begin(), findings.end(), std::back_inserter(report_.findings));
      const bool content =
          file.type == FileType::kRegular && file.roles != RoleSet{Role::kMetadata};
      report_.unhashed += content && !file.sha256;
    }
    report_.files = files_.size();
    report_.hashed_bytes = observer.bytes();
  }

  // A name that was there but closed to the run (EACCES) says nothing about whether it exists.
  void check_missing() {
    for (const MissingFile& m : manifest_.missing) {
      ManifestFile file;
      file.path = m.path;
      const bool absent = m.error == "ENOENT" || m.error == "ENOTDIR" || m.error == "ELOOP";
      if (!absent || !is_checkable(file, root_.is_host())) {
        ++report_.skipped;
        continue;
      }
      ++report_.absent;
      const PathLookup lookup = root_.find(m.path);
      if (!lookup.found) continue;
      Finding f;
      f.path = m.path;
      f.problem = Problem::kAppeared;
      f.expected = m.error;
      f.found = to_string(file_type(lookup.found->st.st_mode));
      if (lookup.found->path != m.path) f.at = lookup.found->path;
      report_.findings.push_back(std::move(f));
    }
  }

  void check_objects() {
    const auto path = manifest_.environment_set.find("LD_LIBRARY_PATH");
    const bool given = path != manifest_.environment_set.end();
    RootLoader loader(root_, given ? std::optional(path->second) : std::nullopt, manifest_.cwd);
    AbiReport abi = check_abi(manifest_, loader);
    report_.objects = abi.objects;
    std::move(abi.findings.begin(), abi.findings.end(), std::back_inserter(report_.findings));
  }

  // Without a readable database all can be verified that matters: the files.
  void read_versions() {
    const auto text = root_.files().read("/var/lib/dpkg/status", kMaxDatabase);
    if (!text) {
      const bool none = text.error().sys == ENOENT || text.error().sys == ENOTDIR;
      if (!none) report_.note = text.error().what;
      return;
    }
    auto versions = installed_versions(*text);
    versions ? void(versions_ = std::move(*versions)) : void(report_.note = versions.error().what);
  }

  void add_installed(Finding& f) const {
    if (!versions_ || !f.package || f.package->manager != "dpkg") return;
    auto it = versions_->find(f.package->name + ":" + f.package->arch);
    if (it == versions_->end()) it = versions_->find(f.package->name);
    f.installed = it == versions_->end() ? "" : it->second;
  }

  const Manifest& manifest_;
  const RootDirectory& root_;
  const VerifyOptions& options_;
  std::optional<InstalledVersions> versions_;
  std::vector<ManifestFile> outputs_;
  std::vector<const ManifestFile*> files_;
  bool other_libraries_ = false;
  VerifyReport report_;
};

}  // namespace

VerifyReport verify(const Manifest& manifest, const RootDirectory& root,
                    const VerifyOptions& options,
                    const std::function<void(const VerifyProgress&)>& progress) {
  return Verification(manifest, root, options).run(progress);
}

}  // namespace fptrace
