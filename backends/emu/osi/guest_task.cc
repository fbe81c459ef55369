#include "backends/emu/osi/guest_task.h"

#include <fcntl.h>

#include <cerrno>

namespace fptrace::emu {

GuestTask::GuestTask(GuestView& view, const TaskInfo& info)
    : view_(view), id_(info.id), pid_(info.pid), tid_(info.tid) {}

std::string GuestTask::who() const { return "task " + std::to_string(tid_); }

AddressSpace GuestTask::memory() const {
  return {names(), kernel().pointer(id_.address, kernel().layout().task.mm)};
}

size_t GuestTask::read_memory(uint64_t addr, void* out, size_t size) {
  return memory().read(addr, {static_cast<std::byte*>(out), size});
}

Result<std::vector<MemoryRegion>> GuestTask::memory_map() {
  const AddressSpace space = memory();
  if (!space.exists()) return fail(Errc::kTracee, "memory map of " + who() + ": it has none");
  std::vector<MemoryRegion> regions;
  for (const GuestMapping& m : space.mappings()) {
    FileRef file;
    if (m.file != 0)
      file = names().properties(kernel().pointer(m.file, kernel().layout().file.inode));
    regions.push_back(
        {m.begin, m.end, m.file_offset, file.dev, file.ino, m.executable, space.name(m).path});
  }
  return regions;
}

Result<FileRef> GuestTask::descriptor_file(int fd) {
  const uint64_t file = OpenFiles(names(), id_.address).file(fd);
  if (file == 0) return fail(Errc::kIo, "descriptor " + std::to_string(fd) + " of " + who(), EBADF);
  return view_.file_system_of(id_.address).file(names().place_of_file(file));
}

Result<OpenFile> GuestTask::descriptor(int fd) {
  auto file = descriptor_file(fd);
  if (!file) return fail(file.error());
  return OpenFile{*std::move(file), OpenFiles(names(), id_.address).flags(fd)};
}

bool GuestTask::may_read_descriptor(int fd) {
  const OpenFiles files(names(), id_.address);
  if (files.file(fd) == 0) return false;
  const uint32_t flags = files.flags(fd);
  return (flags & O_ACCMODE) != O_WRONLY && (flags & O_PATH) == 0;
}

Result<FileRef> GuestTask::file_at(Place place, const char* what) const {
  auto file = names().file(place);
  if (!file || !file->exists())
    return fail(Errc::kTracee, std::string(what) + " of " + who() + " cannot be told");
  return *std::move(file);
}

Result<FileRef> GuestTask::cwd() {
  return file_at(names().cwd_of(id_.address), "working directory");
}
// With its source: after a pivot_root the path alone says "/".
Result<FileRef> GuestTask::root() {
  return view_.file_system_of(id_.address).file(names().root_of(id_.address));
}
Result<FileRef> GuestTask::exe() { return file_at(memory().executable(), "program"); }

FileSystem& GuestTask::file_system() {
  GuestFileSystem& fs = view_.file_system_of(id_.address);
  fs.set_reader(pid_, tid_);
  return fs;
}

// By permissions and capabilities alone: access control lists and security modules may say
// otherwise.
std::optional<bool> GuestTask::may_read(const FileRef& file) {
  const auto place = view_.file_system_of(id_.address).find(file.path);
  if (!place) return std::nullopt;
  const uint64_t inode = kernel().pointer(place->dentry, kernel().layout().dentry.inode);
  return GuestTasks(kernel()).may_read(id_.address, inode);
}

Result<SocketPeer> GuestTask::socket_peer(int fd) {
  const auto& layout = kernel().layout();
  const uint64_t file = OpenFiles(names(), id_.address).file(fd);
  const Place place = names().place_of_file(file);
  const uint64_t sb = kernel().pointer(place.dentry, layout.dentry.sb);
  if (names().type_of_super_block(sb) != "sockfs")
    return fail(Errc::kTracee, "peer of descriptor " + std::to_string(fd) + ": no socket");
  const uint64_t socket = kernel().pointer(file, layout.file.private_data);
  const uint64_t peer =
      kernel().pointer(kernel().pointer(socket, layout.socket.sk), layout.socket.peer_pid);
  const GuestTasks tasks(kernel());
  const auto info = tasks.info(tasks.of_pid(peer));
  if (!info) return fail(Errc::kTracee, "peer of descriptor " + std::to_string(fd) + ": unknown");
  const AddressSpace theirs(names(), kernel().pointer(info->id.address, layout.task.mm));
  const auto exe = names().name(theirs.executable());
  return SocketPeer{info->pid, exe ? exe->path : ""};
}

Result<std::vector<std::string>> GuestTask::argv() {
  return program_ ? program_->argv : memory().arguments();
}
Result<std::vector<std::string>> GuestTask::env() {
  return program_ ? program_->env : memory().environment();
}

void GuestTask::read_new_program(uint64_t stack_pointer, bool narrow) {
  constexpr size_t kUsual = 16384;
  std::string bytes(kUsual, '\0');
  bytes.resize(read_memory(stack_pointer, bytes.data(), bytes.size()));
  program_ = parse_initial_stack(bytes, stack_pointer, narrow);
}

}  // namespace fptrace::emu
