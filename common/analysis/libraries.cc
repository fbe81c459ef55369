#include "common/analysis/libraries.h"

#include <fcntl.h>

#include <algorithm>

#include "common/analysis/library_resolver.h"
#include "common/analysis/process_tree.h"
#include "common/analysis/pseudo_path.h"

namespace fptrace {
namespace {

constexpr const char* kPreloadFile = "/etc/ld.so.preload";
constexpr const char* kCacheFile = "/etc/ld.so.cache";
// Between opening a library and mapping it a loader opens nothing else, but other threads may.
constexpr size_t kRecentOpens = 16;

std::optional<std::string> variable(const std::vector<std::string>& env, std::string_view name) {
  for (const std::string& entry : env) {
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=') {
      return entry.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

bool is_musl_path_file(const std::string& path) {
  return path.ends_with(".path") && path.find("/etc/ld-musl-") != path.npos;
}

}  // namespace

uint32_t Libraries::index_of(const FileRef& file) {
  if (!file.exists() || is_pseudo_path(file.path) || file.path.empty()) return 0;
  const auto [it, added] = index_.try_emplace(id_of(file), uint32_t(files_.size()));
  if (added) files_.push_back(file);
  return it->second;
}

uint32_t Libraries::name_index(const Lookup& at) {
  const OpenedName name{at.path, at.path.starts_with('/') ? "" : at.base};
  const auto [it, added] = name_index_.try_emplace(name, uint32_t(opened_names_.size()));
  if (added) opened_names_.push_back(name);
  return it->second;
}

void Libraries::retire(const Image& image) {
  if (image.program != 0) ++done_[image];
}

void Libraries::on_exec(const Event& event, const ExecEvent& exec) {
  if (exec.error != 0) return;
  Image next;
  next.program = index_of(executed_binary(exec));
  next.loader = index_of(exec.loader.file);
  next.loader_name = exec.loader.path;
  next.preload = variable(exec.env, "LD_PRELOAD").value_or("");
  next.audit = variable(exec.env, "LD_AUDIT").value_or("");
  next.search_path = variable(exec.env, "LD_LIBRARY_PATH");
  Running& running = running_[event.process];
  // A child that only went on to exec had what its parent had, and did not run it.
  if (!running.inherited) retire(running.image);
  running = {std::move(next)};
}

void Libraries::on_open(const Event& event, const OpenEvent& open) {
  Running& running = running_[event.process];
  // Looked for in vain, it still shows that a library is being searched for.
  if (open.at.path == kCacheFile) {
    running.after_cache = true;
    if (open.error == 0) running.image.cache = index_of(open.at.file);
  }
  if (open.error != 0) return;
  if (is_musl_path_file(open.at.path)) running.image.path_file = index_of(open.at.file);
  if (open.at.file.path == kPreloadFile) preload_file_ = open.at.file;
  const bool may_be_mapped =
      (open.flags & O_ACCMODE) == O_RDONLY && file_type(open.at.file.mode) == FileType::kRegular;
  if (!may_be_mapped) return;
  running.recent.push_back({id_of(open.at.file), open.at});
  if (running.recent.size() > kRecentOpens) running.recent.pop_front();
}

void Libraries::on_mmap(const Event& event, const MmapEvent& map) {
  const uint32_t file = index_of(map.file);
  if (file == 0) return;
  Running& running = running_[event.process];
  Image& image = running.image;
  const bool known = file == image.program || file == image.loader ||
                     std::any_of(image.mapped.begin(), image.mapped.end(),
                                 [&](const Mapped& m) { return m.file == file; });
  if (known) return;
  Mapped mapped{file, 0, std::exchange(running.after_cache, false)};
  for (const RecentOpen& open : running.recent) {
    if (open.file == id_of(map.file)) mapped.name = name_index(open.at);
  }
  image.mapped.push_back(mapped);
  running.inherited = false;
}

Result<void> Libraries::on_event(const Event& event) {
  if (const auto* exec = std::get_if<ExecEvent>(&event.body)) {
    on_exec(event, *exec);
  } else if (const auto* fork = std::get_if<ForkEvent>(&event.body)) {
    const Image parent = running_[event.process].image;
    running_[fork->child] = {parent, true};
  } else if (const auto* map = std::get_if<MmapEvent>(&event.body)) {
    on_mmap(event, *map);
  } else if (const auto* open = std::get_if<OpenEvent>(&event.body)) {
    on_open(event, *open);
  } else if (std::holds_alternative<ExitEvent>(event.body) ||
             std::holds_alternative<DetachEvent>(event.body)) {
    const auto it = running_.find(event.process);
    if (it == running_.end()) return {};
    retire(it->second.image);
    running_.erase(it);
  }
  return {};
}

LibraryReport Libraries::report(LinkSource& source) const {
  std::map<Image, uint64_t> all = done_;
  for (const auto& [key, running] : running_) {
    if (running.image.program != 0) ++all[running.image];
  }
  LibraryReport report;
  Resolver resolver(*this, source);
  for (const auto& [image, processes] : all) {
    report.images.push_back({files_[image.program], processes, resolver.resolve(image)});
    for (const LoadedFile& l : report.images.back().libraries) {
      LoadedFile& sum = report.files.try_emplace(id_of(l.file), l).first->second;
      // Of several rules the one that goes with that linkage; of several such, the first by
      // letters.
      if (l.linkage > sum.linkage || sum.found_by.empty()) {
        if (l.linkage >= sum.linkage) sum.found_by = l.found_by;
      } else if (l.linkage == sum.linkage && !l.found_by.empty()) {
        sum.found_by = std::min(sum.found_by, l.found_by);
      }
      sum.linkage = std::max(sum.linkage, l.linkage);
      sum.program = sum.program || l.program;
    }
  }
  const auto paths = [](const ProgramImage& i) {
    std::vector<std::string> out{i.program.path};
    for (const LoadedFile& l : i.libraries) out.push_back(l.file.path);
    return out;
  };
  std::sort(report.images.begin(), report.images.end(),
            [&](const auto& a, const auto& b) { return paths(a) < paths(b); });
  return report;
}

}  // namespace fptrace
