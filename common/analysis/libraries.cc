#include "common/analysis/libraries.h"

#include <algorithm>
#include <deque>

#include "common/analysis/process_tree.h"
#include "common/analysis/pseudo_path.h"

namespace fptrace {
namespace {

constexpr const char* kPreloadFile = "/etc/ld.so.preload";

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Entries of LD_PRELOAD (blanks and colons), LD_AUDIT (colons), ld.so.preload (any blank): ld.so(8)
std::set<std::string> preload_names(const std::string& text) {
  std::set<std::string> names;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find_first_of(": \t\n", at), text.size());
    if (end > at) names.insert(base_name(text.substr(at, end - at)));
    at = end + 1;
  }
  return names;
}

std::string preload_variables(const std::vector<std::string>& env) {
  std::string out;
  for (const std::string& entry : env) {
    for (const std::string_view name : {"LD_PRELOAD=", "LD_AUDIT="}) {
      if (entry.starts_with(name)) (out += ':') += entry.substr(name.size());
    }
  }
  return out;
}

bool is_loader_name(const std::string& soname) {
  return soname.starts_with("ld-linux") || soname.starts_with("ld.so") ||
         soname.starts_with("ld64.so") || soname.starts_with("ld-musl");
}

}  // namespace

uint32_t Libraries::index_of(const FileRef& file) {
  if (!file.exists() || is_pseudo_path(file.path) || file.path.empty()) return 0;
  const auto [it, added] = index_.try_emplace(id_of(file), uint32_t(files_.size()));
  if (added) files_.push_back(file);
  return it->second;
}

void Libraries::retire(const Image& image) {
  if (image.program != 0) ++done_[image];
}

Result<void> Libraries::on_event(const Event& event) {
  if (const auto* exec = std::get_if<ExecEvent>(&event.body)) {
    if (exec->error != 0) return {};
    Image next;
    next.program = index_of(executed_binary(*exec));
    next.loader = index_of(exec->loader.file);
    next.preload = preload_variables(exec->env);
    Running& running = running_[event.process];
    // A child that only went on to exec had what its parent had, and did not run it.
    if (!running.inherited) retire(running.image);
    running = {std::move(next), false};
  } else if (const auto* fork = std::get_if<ForkEvent>(&event.body)) {
    const Image parent = running_[event.process].image;
    running_[fork->child] = {parent, true};
  } else if (const auto* map = std::get_if<MmapEvent>(&event.body)) {
    const uint32_t file = index_of(map->file);
    if (file == 0) return {};
    Running& running = running_[event.process];
    Image& image = running.image;
    const bool known =
        file == image.program || file == image.loader ||
        std::find(image.mapped.begin(), image.mapped.end(), file) != image.mapped.end();
    if (known) return {};
    image.mapped.push_back(file);
    running.inherited = false;
  } else if (const auto* open = std::get_if<OpenEvent>(&event.body)) {
    if (open->error != 0 || open->at.path.find(".so") == std::string::npos) return {};
    const std::string name = base_name(open->at.path);
    if (name != base_name(open->at.file.path)) names_[id_of(open->at.file)].insert(name);
    if (open->at.file.path == kPreloadFile) preload_file_ = open->at.file;
  } else if (std::holds_alternative<ExitEvent>(event.body) ||
             std::holds_alternative<DetachEvent>(event.body)) {
    const auto it = running_.find(event.process);
    if (it == running_.end()) return {};
    retire(it->second.image);
    running_.erase(it);
  }
  return {};
}

std::vector<LoadedFile> Libraries::resolve(const Image& image, LinkSource& source) const {
  std::vector<LoadedFile> libraries;
  std::vector<std::optional<LinkInfo>> infos;
  std::map<std::string, size_t> by_name;  // every name that DT_NEEDED may call a library
  for (const uint32_t index : image.mapped) {
    const FileRef& file = files_[index];
    const auto info = source.link_info(file);
    const size_t at = libraries.size();
    libraries.push_back({file, Linkage::kUnknown, !info || info->elf, false});
    infos.push_back(info);
    by_name.try_emplace(base_name(file.path), at);
    if (info && !info->soname.empty()) by_name.try_emplace(info->soname, at);
    if (const auto names = names_.find(id_of(file)); names != names_.end()) {
      for (const std::string& name : names->second) by_name.try_emplace(name, at);
    }
  }
  auto main = source.link_info(files_[image.program]);
  if (main && !main->program && is_loader_name(main->soname)) {
    // `ld.so PROGRAM`: the loader is the program to the kernel, and maps the real one itself.
    for (size_t i = 0; i < libraries.size(); ++i) {
      if (!infos[i] || !infos[i]->program) continue;
      main = infos[i];
      libraries[i].program = true;
      break;
    }
  }
  std::string preload = image.preload;
  if (preload_file_) preload += "\n" + source.text(*preload_file_).value_or("");
  std::deque<std::string> wanted;
  if (main) wanted.assign(main->needed.begin(), main->needed.end());
  const auto follow = [&] {
    for (; !wanted.empty(); wanted.pop_front()) {
      const auto it = by_name.find(base_name(wanted.front()));
      if (it == by_name.end() || libraries[it->second].linkage == Linkage::kNeeded) continue;
      if (libraries[it->second].linkage == Linkage::kPreload) continue;
      libraries[it->second].linkage = Linkage::kNeeded;
      const auto& info = infos[it->second];
      if (info) wanted.insert(wanted.end(), info->needed.begin(), info->needed.end());
    }
  };
  follow();
  for (const std::string& name : preload_names(preload)) {
    const auto it = by_name.find(name);
    if (it == by_name.end() || libraries[it->second].linkage == Linkage::kNeeded) continue;
    libraries[it->second].linkage = Linkage::kPreload;
    const auto& info = infos[it->second];
    if (info) wanted.insert(wanted.end(), info->needed.begin(), info->needed.end());
  }
  follow();
  for (LoadedFile& l : libraries) {
    if (main && l.linkage == Linkage::kUnknown && l.elf && !l.program) l.linkage = Linkage::kDlopen;
  }
  if (image.loader != 0) libraries.push_back({files_[image.loader], Linkage::kInterp, true, false});
  std::sort(libraries.begin(), libraries.end(),
            [](const auto& a, const auto& b) { return a.file.path < b.file.path; });
  return libraries;
}

LibraryReport Libraries::report(LinkSource& source) const {
  std::map<Image, uint64_t> all = done_;
  for (const auto& [key, running] : running_) {
    if (running.image.program != 0) ++all[running.image];
  }
  LibraryReport report;
  for (const auto& [image, processes] : all) {
    report.images.push_back({files_[image.program], processes, resolve(image, source)});
    for (const LoadedFile& l : report.images.back().libraries) {
      LoadedFile& sum = report.files.try_emplace(id_of(l.file), l).first->second;
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
