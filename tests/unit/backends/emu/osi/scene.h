#pragma once
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>

#include "backends/emu/osi/guest_view.h"
#include "tests/support/fake_guest.h"

namespace fptrace::emu {

// A small guest: a root file system in memory with /dir/file, a disk on /mnt with /mnt/deep/data, a
// procfs on /proc, and process 1, whose root is "/" and whose working directory is /dir.
class Scene {
 public:
  explicit Scene(testing::FakeKernelOptions options = {}) : guest(std::move(options)) {
    memory_sb = guest.super_block("tmpfs", 0, 21);
    root = guest.dentry(0, "/", guest.inode(memory_sb, 1, S_IFDIR | 0755));
    root_mount = guest.mount(memory_sb, root);
    dir = directory(root, "dir", memory_sb, 2);
    file_inode = guest.inode(memory_sb, 3, S_IFREG | 0644, 5);
    file = guest.dentry(dir, "file", file_inode);
    disk_sb = guest.super_block("ext4", 8, 1);
    mnt = directory(root, "mnt", memory_sb, 4);
    disk = guest.dentry(0, "/", guest.inode(disk_sb, 2, S_IFDIR | 0755));
    disk_mount = guest.mount(disk_sb, disk, root_mount, mnt);
    deep = directory(disk, "deep", disk_sb, 10);
    data_inode = guest.inode(disk_sb, 11, S_IFREG | 0600, 6000);
    data = guest.dentry(deep, "data", data_inode);
    proc_sb = guest.super_block("proc", 0, 22);
    const uint64_t proc_point = directory(root, "proc", memory_sb, 5);
    proc = guest.dentry(0, "/", guest.inode(proc_sb, 1, S_IFDIR | 0555));
    guest.mount(proc_sb, proc, root_mount, proc_point);
    init = guest.task(1, "init");
    guest.set_root(init, root_mount, root);
    guest.set_cwd(init, root_mount, dir);
  }

  uint64_t directory(uint64_t parent, std::string_view name, uint64_t sb, uint64_t ino) {
    return guest.dentry(parent, name, guest.inode(sb, ino, S_IFDIR | 0755));
  }
  // A file without a name in a directory: the kernel makes one up by `ops`.
  uint64_t nameless(std::string_view type, std::string_view name, uint64_t ino) {
    const uint64_t ops = guest.make("dentry_operations");
    guest.set("dentry_operations", ops, "d_dname", 1);
    const uint64_t sb = guest.super_block(type, 0, 30);
    const uint64_t top = guest.dentry(0, "/", 0);
    const uint64_t mount = guest.mount(sb, top, 0, 0);
    const uint64_t dentry = guest.dentry(0, name, guest.inode(sb, ino, S_IFREG | 0600));
    guest.set("dentry", dentry, "d_op", ops);
    guest.set("dentry", dentry, "d_sb", sb);
    guest.set("mnt_namespace", guest.mount_namespace(), "root", root_mount);
    return guest.file(mount, dentry);
  }

  // After the last change of what is to be found: looks for the kernel.
  const GuestKernel& kernel() {
    if (!kernel_) {
      memory_.emplace(guest.memory());
      auto found = GuestKernel::find(*memory_);
      if (!found) {
        ADD_FAILURE() << found.error().what;
        std::abort();
      }
      kernel_.emplace(*std::move(found));
    }
    return *kernel_;
  }
  GuestNames names() { return {kernel(), {root_mount, root}}; }
  GuestView& view() {
    if (!view_) view_.emplace(kernel(), Place{root_mount, root});
    return *view_;
  }

  testing::FakeGuest guest;
  uint64_t memory_sb, disk_sb, proc_sb;
  uint64_t root_mount, disk_mount;
  uint64_t root, dir, file, mnt, disk, deep, data, proc;  // dentries
  uint64_t file_inode, data_inode;
  uint64_t init;

 private:
  std::optional<GuestMemory> memory_;
  std::optional<GuestKernel> kernel_;
  std::optional<GuestView> view_;
};

}  // namespace fptrace::emu
