#include "common/path/directory_cache.h"

#include <sys/stat.h>

#include <algorithm>

namespace fptrace {
namespace {

bool still_true(const KnownDirectory& known, FileSystem& fs) {
  const auto stands = [&fs](const Waypoint& w) {
    const auto now = fs.lstat(w.path);
    if (!now || now->dev != w.dev || now->ino != w.ino) return false;
    return w.is_link ? S_ISLNK(now->mode) && now->ctime_ns == w.ctime_ns : S_ISDIR(now->mode);
  };
  if (!std::ranges::all_of(known.way, stands)) return false;
  const auto now = fs.lstat(known.path);
  return now && S_ISDIR(now->mode) && now->dev == known.dev && now->ino == known.ino;
}

size_t size_of(std::string_view key, const KnownDirectory& directory) {
  constexpr size_t kNode = 128;  // of the map and its strings
  size_t bytes = kNode + key.size() + sizeof directory + directory.path.size();
  for (const Waypoint& w : directory.way) bytes += sizeof w + w.path.size();
  return bytes;
}

}  // namespace

const KnownDirectory* DirectoryCache::find(std::string_view key, FileSystem& fs) {
  const auto found = known_.find(key);
  if (found == known_.end()) return nullptr;
  if (still_true(found->second, fs)) return &found->second;
  bytes_ -= size_of(key, found->second);
  known_.erase(found);
  return nullptr;
}

void DirectoryCache::insert(const std::string& key, KnownDirectory directory) {
  // Starting anew is as good as any order of eviction here: a run that visits this many
  // directories rarely comes back to the ones it began with.
  if (bytes_ >= kMostBytes) clear();
  const auto [entry, is_new] = known_.try_emplace(key);
  if (!is_new) bytes_ -= size_of(key, entry->second);
  entry->second = std::move(directory);
  bytes_ += size_of(key, entry->second);
}

void DirectoryCache::clear() {
  known_.clear();
  bytes_ = 0;
}

}  // namespace fptrace
