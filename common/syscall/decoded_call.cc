#include "common/syscall/decoded_call.h"

#include <linux/limits.h>
#include <sys/stat.h>

namespace fptrace {

void DecodedCall::changes(const FileRef& file, bool keeps_content) {
  if (file.exists() && S_ISREG(file.mode)) may_change_.push_back({file, keeps_content});
}

NamedPath name_path(Scene scene, PathRequest request) {
  NamedPath name;
  name.found = scene.resolver.resolve(scene.task, request);
  name.found.lookup.path = request.path;
  name.request = std::move(request);
  return name;
}

NamedPath name_path(Scene scene, int dirfd, uint64_t addr, LastLink last, bool empty_is_dirfd,
                    uint64_t resolve) {
  MemoryString path;
  // Linux 6.11 takes a null pointer for an empty path; before, it is EFAULT and says so.
  if (addr != 0 || !empty_is_dirfd) path = read_string(scene.task, addr, PATH_MAX);
  if (!path.readable) {
    NamedPath name;
    name.readable = false;
    name.request = {dirfd, "", last, empty_is_dirfd, resolve};
    return name;
  }
  return name_path(scene, {dirfd, std::move(path.text), last, empty_is_dirfd, resolve});
}

NamedPath name_descriptor(Scene scene, int fd) {
  return name_path(scene, {fd, "", LastLink::kFollow, true, 0});
}

Lookup settle(Scene scene, const NamedPath& name, const Outcome& outcome) {
  if (outcome.ok() && name.readable && !name.file().exists()) {
    Resolution again = scene.resolver.resolve(scene.task, name.request);
    again.lookup.path = name.request.path;
    return std::move(again.lookup);
  }
  Lookup lookup = name.found.lookup;
  if (outcome.error == ENOENT && lookup.file.exists()) {
    std::string path = std::move(lookup.file.path);
    lookup.file = FileRef{};
    lookup.file.path = std::move(path);
  }
  return lookup;
}

Lookup settle_made(Scene scene, const NamedPath& name, const Outcome& outcome) {
  Lookup lookup = name.found.lookup;
  if (!outcome.ok()) return lookup;
  if (auto made = scene.task.file_system().lstat(lookup.file.path)) lookup.file = *std::move(made);
  return lookup;
}

GapEvent unreadable_path(std::string_view call) { return {"unreadable path", std::string(call)}; }

}  // namespace fptrace
