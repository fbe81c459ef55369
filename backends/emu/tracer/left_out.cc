#include "backends/emu/tracer/left_out.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "backends/emu/recording/collection.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostShown = 4;
constexpr size_t kMostNoted = 100'000;

bool is_here(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0 &&
         (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISLNK(st.st_mode));
}

// The topmost directory of it that the guest lacks, or the path itself.
std::string topmost_missing(const DiskReader& disk, std::string path) {
  for (;;) {
    const std::string above = fs::path(path).parent_path();
    if (above.empty() || above == path || disk.has(above)) return path;
    path = above;
  }
}

// Names that this host's directory has and the guest's has not.
size_t names_left_out(const DiskReader& disk, const std::string& directory) {
  const auto known = disk.names(directory);
  if (!known) return 0;
  size_t count = 0;
  std::error_code error;
  for (fs::directory_iterator entries(directory, error), end; !error && entries != end;
       entries.increment(error)) {
    const std::string path = entries->path();
    count +=
        !is_mounted_in_guest(path) && is_here(path) && !known->contains(entries->path().filename());
  }
  return count;
}

}  // namespace

void LeftOut::look_for(const Lookup& at, int32_t error) {
  const std::string& path = at.file.path;
  if (error == ENOENT && path.starts_with('/') && !is_mounted_in_guest(path) &&
      missing_.size() < kMostNoted)
    missing_.insert(path);
}

Result<void> LeftOut::on_event(const Event& event) {
  if (const auto* open = std::get_if<OpenEvent>(&event.body)) look_for(open->at, open->error);
  if (const auto* path = std::get_if<PathEvent>(&event.body)) look_for(path->at, path->error);
  if (const auto* exec = std::get_if<ExecEvent>(&event.body)) {
    // ENOENT, too, when what is missing is an interpreter or the loader.
    look_for(exec->program, exec->error);
    for (const Lookup& interpreter : exec->interpreters) look_for(interpreter, exec->error);
    look_for(exec->loader, exec->error);
  }
  if (const auto* list = std::get_if<ListEvent>(&event.body); list && listed_.size() < kMostNoted)
    listed_.insert(list->directory.path);
  return next_.on_event(event);
}

std::string LeftOut::missing_files(const DiskReader& disk) const {
  std::set<std::string> found;
  for (const std::string& path : missing_)
    if (is_here(path) && !disk.has(path)) found.insert(topmost_missing(disk, path));
  if (found.empty()) return {};
  std::string shown, options;
  size_t count = 0;
  for (const std::string& path : found) {
    if (count == kMostShown) {
      shown += ", +" + std::to_string(found.size() - count);
      break;
    }
    shown += (count++ == 0 ? "" : ", ") + path;
    options += " --include " + path;
  }
  return "the program looked for what is here but was not taken into the guest: " + shown +
         "; to take it along: " + options.substr(1);
}

std::vector<std::string> LeftOut::sentences(const DiskReader& disk) const {
  std::vector<std::string> all;
  if (!disk.is_of_host()) return all;
  if (std::string sentence = missing_files(disk); !sentence.empty())
    all.push_back(std::move(sentence));
  for (const std::string& directory : listed_) {
    const size_t count = names_left_out(disk, directory);
    if (count == 0) continue;
    all.push_back("the program listed " + directory + ", of which the guest lacks " +
                  std::to_string(count) + " names that are here; to take them along: --include " +
                  directory);
    if (all.size() > kMostShown) break;
  }
  return all;
}

}  // namespace fptrace::emu
