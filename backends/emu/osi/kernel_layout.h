#pragma once
#include <cstdint>

#include "backends/emu/osi/btf_types.h"

namespace fptrace::emu {

// Where the kernel keeps what introspection reads, found in its BTF by name. A member that not
// every kernel has is absent where it is not there; which way the kernel does a thing is told by
// what is present, never by its version. Structures are named as in the kernel, without suffixes.
struct KernelLayout {
  static Result<KernelLayout> from(const BtfTypes& types);

  struct {
    Member tasks, thread_node, thread_group, thread_pid, pid, tgid, real_parent, group_leader, comm,
        flags, state, exit_state, mm, fs, files, nsproxy, real_cred, cred, signal, start_time,
        boot_time, pid_links, stack, pending_signals;
  } task;
  struct {
    Member thread_head, nr_threads, pids, flags, group_exit_code;
  } signal;
  struct {
    Member signo, code, sender;
  } ksignal;
  struct {
    Member uid, gid, suid, sgid, euid, egid, fsuid, fsgid, group_info, user_ns, cap_effective;
  } cred;
  struct {
    Member ngroups, gid;
  } group_info;
  struct {
    Member tree_root, mmap, pgd, exe_file, arg_start, arg_end, env_start, env_end, start_brk, brk,
        start_stack, vdso;
  } mm;
  struct {
    Member vm_start, vm_end, vm_next, vm_flags, vm_pgoff, vm_file, vm_ops, vm_private_data,
        anon_name;
  } vma;
  struct {
    Member range_pivots, range_slots, arange_pivots, arange_slots;
  } maple;
  Member special_mapping_name, anon_vma_name;
  struct {
    Member mnt, dentry, flags, inode, private_data, position;
  } file;
  struct {
    Member parent, name, name_len, name_hash, inode, ops, hash_next, hash_pprev, sb, fsdata;
    Member subdirs, child;      // a list_head of list_heads (until 6.7)
    Member children, siblings;  // an hlist_head of hlist_nodes (since)
    Member op_name, op_hash;    // in dentry_operations
  } dentry;
  struct {
    Member vfsmount, root, sb, parent, mountpoint, mounts, child, instance, id, devname, ns;
  } mount;
  struct {
    Member dev, type, root, fs_info, mounts;
    Member type_name;  // in file_system_type
  } sb;
  struct {
    Member mode, uid, gid, sb, ino, nlink, rdev, size, mapping, link, private_data;
    Member mtime, mtime_sec, mtime_nsec, ctime, ctime_sec, ctime_nsec;
  } inode;
  Member timespec_sec, timespec_nsec;
  struct {
    Member head, node_shift, node_slots;  // of address_space.i_pages, of xa_node
    Member page_flags, page_index, page_mapping;
    uint32_t page_size = 0;               // of struct page
    uint32_t up_to_date = 0, dirty = 64;  // numbers of flags; 64: not known
  } pages;
  struct {
    Member root_mnt, root_dentry, pwd_mnt, pwd_dentry;
  } fs;
  struct {
    Member fdt, max_fds, fd, close_on_exec;
  } files;
  struct {
    Member uts_ns, ipc_ns, mnt_ns, pid_ns_for_children, net_ns, time_ns, cgroup_ns;  // in nsproxy
    Member uts_inum, ipc_inum, mnt_inum, pid_inum, net_inum, time_inum, cgroup_inum, user_inum;
    Member mnt_root, user_parent;
    Member ops, inum, ops_name;  // of ns_common; of proc_ns_operations
  } ns;
  struct {
    Member level, numbers, tasks, upid_nr, upid_ns;
    uint32_t upid_size = 0;
  } pid;
  struct {
    Member pid, entry, inode, entry_data;  // of proc_inode, and of proc_dir_entry
  } proc;
  struct {
    Member sk, peer_pid;  // of socket, of sock
  } socket;
  // From the start of the per-CPU section to the pointer to the current task.
  uint32_t current_task = 0;
};

}  // namespace fptrace::emu
