// fuzz-deps: fptrace::emu_osi fptrace::fake_guest fptrace::path
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "backends/emu/osi/guest_task.h"
#include "backends/emu/osi/process_table.h"
#include "common/path/resolver.h"
#include "tests/support/fake_guest.h"

// A guest whose memory was damaged, or was written by a program that got hold of its kernel: bytes
// of a made-up guest are changed, then all is asked that can be asked.

namespace fptrace::emu {
namespace {

using testing::FakeGuest;
using testing::FakeMapping;

// Something of everything that has pointers.
void furnish(FakeGuest& g) {
  const uint64_t sb = g.super_block("tmpfs", 0, 21), proc_sb = g.super_block("proc", 0, 22);
  const auto directory = [&](uint64_t parent, const char* name, uint64_t of, uint64_t ino) {
    return g.dentry(parent, name, g.inode(of, ino, S_IFDIR | 0755));
  };
  const uint64_t root = directory(0, "/", sb, 1), dir = directory(root, "dir", sb, 2);
  const uint64_t mount = g.mount(sb, root);
  const uint64_t content = g.inode(sb, 3, S_IFREG | 0644, 9000);
  const uint64_t file = g.dentry(dir, "file", content);
  g.page(content, 0, "#!/bin/sh");
  g.page(content, 2, "end");
  const uint64_t link = g.inode(sb, 4, S_IFLNK | 0777, 4);
  g.set("inode", link, "i_link", g.put("/dir"));
  g.dentry(root, "link", link);
  const uint64_t bind = g.mount(sb, dir, mount, directory(root, "bind", sb, 5));
  const uint64_t proc = directory(0, "/", proc_sb, 1);
  const uint64_t proc_mount = g.mount(proc_sb, proc, mount, directory(root, "proc", sb, 6));
  const uint64_t init = g.task(1, "init"), child = g.task(2, "child", init);
  g.thread(child, 3, "thread");
  for (const uint64_t task : {init, child}) {
    g.set_root(task, mount, root);
    g.set_cwd(task, bind, dir);
    g.open(task, 0, g.file(mount, file, 2));
    g.open(task, 5, g.file(proc_mount, proc), true);
  }
  std::vector<FakeMapping> mappings;
  for (uint64_t at = 0x10000; at < 0x40000; at += 0x3000)
    mappings.push_back(
        {at, at + 0x1000, FakeGuest::kRead, 0, at % 2 == 0 ? g.file(mount, file) : 0});
  g.map(init, mappings);
  g.user_page(init, 0x10000, std::string_view("init\0-x\0A=1\0", 12));
  g.run(init);
}

// Asks all there is to ask. What comes out does not matter, only that it ends and stays in bounds.
void ask(const GuestKernel& kernel) {
  const GuestTasks tasks(kernel);
  GuestView view(kernel, GuestView::root_of_init(kernel));
  PathResolver resolver;
  auto all = tasks.processes();
  all.push_back(kernel.current_of_first_cpu());
  if (all.size() > 8) all.resize(8);
  for (const uint64_t process : all) {
    auto threads = tasks.threads(process);
    if (threads.size() > 4) threads.resize(4);
    for (const uint64_t thread : threads) {
      const auto info = tasks.info(thread);
      if (!info) continue;
      (void)tasks.credentials(thread);
      (void)tasks.namespaces(thread);
      GuestTask task(view, *info);
      (void)task.memory_map();
      (void)task.cwd();
      (void)task.root();
      (void)task.exe();
      (void)task.argv();
      (void)task.env();
      for (const int fd : {0, 5, 63}) {
        (void)task.descriptor(fd);
        (void)task.socket_peer(fd);
      }
      (void)OpenFiles(view.names(), thread).numbers();
      char bytes[64];
      (void)task.read_memory(0x10ff0, bytes, sizeof bytes);
      for (const char* path : {"/link/file", "../bind/file", "/proc/1/exe", "none"}) {
        const auto found = resolver.resolve(task, {.path = path});
        (void)task.file_system().read_head(found.content_path, 20000);
        (void)task.file_system().readlink(found.lookup.file.path);
        (void)task.file_system().follow_magic(found.lookup.file.path);
        (void)task.may_read(found.lookup.file);
      }
    }
  }
  (void)list_processes(view.names());
}

}  // namespace
}  // namespace fptrace::emu

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fptrace::emu;
  static FakeGuest guest;
  static const bool furnished = [] { return furnish(guest), true; }();
  static const GuestMemory memory = guest.memory();
  static const auto intact = GuestKernel::find(memory);
  if (!furnished || !intact || size == 0) return 0;

  // Three bytes say where in what is used, one what to put there.
  auto& bytes = guest.bytes();
  static const size_t used = guest.used();
  std::vector<std::pair<size_t, std::byte>> before;
  for (size_t i = 1; i + 4 <= size && before.size() < 64; i += 4) {
    const size_t at = (size_t(data[i]) << 16 | size_t(data[i + 1]) << 8 | data[i + 2]) % used;
    before.emplace_back(at, bytes[at]);
    bytes[at] = std::byte{data[i + 3]};
  }
  if ((data[0] & 1) == 0) {
    ask(*intact);
  } else if (const auto found = GuestKernel::find(memory)) {
    ask(*found);
  }
  while (!before.empty()) {
    bytes[before.back().first] = before.back().second;
    before.pop_back();
  }
  return 0;
}
