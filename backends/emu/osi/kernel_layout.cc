#include "backends/emu/osi/kernel_layout.h"

#include <string>
#include <string_view>

namespace fptrace::emu {
namespace {

// Collects what is missing, to say it all at once.
class Finder {
 public:
  explicit Finder(const BtfTypes& types) : types_(types) {}

  Finder& in(std::string_view type) {
    type_ = type;
    return *this;
  }
  Finder& need(std::string_view path, Member& out) {
    may(path, out);
    if (!out) lacks(std::string(type_).append(1, '.').append(path));
    return *this;
  }
  Finder& may(std::string_view path, Member& out) {
    if (const auto found = types_.member(type_, path)) out = *found;
    return *this;
  }
  void lacks(const std::string& what) {
    missing_ += missing_.empty() ? "" : ", ";
    missing_ += what;
  }
  const std::string& missing() const { return missing_; }

 private:
  const BtfTypes& types_;
  std::string_view type_;
  std::string missing_;
};

void find_task(Finder& f, KernelLayout& k) {
  auto& t = k.task;
  f.in("task_struct").need("tasks", t.tasks).may("thread_node", t.thread_node);
  f.may("thread_group", t.thread_group).may("thread_pid", t.thread_pid).need("pid", t.pid);
  f.need("tgid", t.tgid).need("real_parent", t.real_parent).need("group_leader", t.group_leader);
  f.need("comm", t.comm).need("flags", t.flags).need("exit_state", t.exit_state);
  f.may("state", t.state).may("__state", t.state);  // renamed in 5.14
  f.need("mm", t.mm).need("fs", t.fs).need("files", t.files).need("nsproxy", t.nsproxy);
  f.need("real_cred", t.real_cred).need("cred", t.cred).need("signal", t.signal);
  f.need("start_time", t.start_time).may("pid_links", t.pid_links).need("stack", t.stack);
  // The second name is that of kernels before 5.5.
  f.may("real_start_time", t.boot_time).may("start_boottime", t.boot_time);
  f.need("pending.signal", t.pending_signals);
  f.in("signal_struct")
      .may("thread_head", k.signal.thread_head)
      .need("nr_threads", k.signal.nr_threads);
  f.may("pids", k.signal.pids);
  f.need("flags", k.signal.flags).need("group_exit_code", k.signal.group_exit_code);
  f.in("ksignal").need("sig", k.ksignal.signo).need("info.si_code", k.ksignal.code);
  f.need("info._sifields._kill._pid", k.ksignal.sender);
  auto& c = k.cred;
  f.in("cred").need("uid", c.uid).need("gid", c.gid).need("suid", c.suid).need("sgid", c.sgid);
  f.need("euid", c.euid).need("egid", c.egid).need("fsuid", c.fsuid).need("fsgid", c.fsgid);
  f.need("group_info", c.group_info)
      .may("user_ns", c.user_ns)
      .may("cap_effective", c.cap_effective);
  f.in("group_info").need("ngroups", k.group_info.ngroups).need("gid", k.group_info.gid);
}

void find_memory(Finder& f, KernelLayout& k) {
  auto& m = k.mm;
  f.in("mm_struct").may("mm_mt.ma_root", m.tree_root).may("mmap", m.mmap).need("pgd", m.pgd);
  f.need("exe_file", m.exe_file).need("arg_start", m.arg_start).need("arg_end", m.arg_end);
  f.need("env_start", m.env_start).need("env_end", m.env_end).need("start_brk", m.start_brk);
  f.need("brk", m.brk).need("start_stack", m.start_stack).may("context.vdso", m.vdso);
  auto& v = k.vma;
  f.in("vm_area_struct").need("vm_start", v.vm_start).need("vm_end", v.vm_end);
  f.may("vm_next", v.vm_next).need("vm_flags", v.vm_flags).need("vm_pgoff", v.vm_pgoff);
  f.need("vm_file", v.vm_file).need("vm_ops", v.vm_ops).need("vm_private_data", v.vm_private_data);
  f.may("anon_name", v.anon_name);
  f.in("vm_special_mapping").may("name", k.special_mapping_name);
  f.in("anon_vma_name").may("name", k.anon_vma_name);
  f.in("maple_range_64").may("pivot", k.maple.range_pivots).may("slot", k.maple.range_slots);
  f.in("maple_arange_64").may("pivot", k.maple.arange_pivots).may("slot", k.maple.arange_slots);
  const bool has_tree = m.tree_root && k.maple.range_slots && k.maple.range_pivots &&
                        k.maple.arange_slots && k.maple.arange_pivots;
  if (!has_tree && !(m.mmap && v.vm_next)) f.lacks("mm_struct.mm_mt or mm_struct.mmap");
  if (!has_tree) m.tree_root = {};
}

void find_names(Finder& f, KernelLayout& k) {
  auto& e = k.dentry;
  f.in("dentry")
      .need("d_parent", e.parent)
      .need("d_name.name", e.name)
      .need("d_name.len", e.name_len);
  f.may("d_name.hash", e.name_hash).need("d_inode", e.inode).need("d_op", e.ops).need("d_sb", e.sb);
  f.need("d_hash.next", e.hash_next).need("d_hash.pprev", e.hash_pprev).may("d_fsdata", e.fsdata);
  f.may("d_subdirs", e.subdirs)
      .may("d_child", e.child)
      .may("d_children", e.children)
      .may("d_sib", e.siblings);
  if (!(e.subdirs && e.child) && !(e.children && e.siblings))
    f.lacks("dentry.d_children or dentry.d_subdirs");
  f.in("dentry_operations").need("d_dname", e.op_name).need("d_hash", e.op_hash);
  auto& m = k.mount;
  f.in("mount").need("mnt", m.vfsmount).need("mnt.mnt_root", m.root).need("mnt.mnt_sb", m.sb);
  f.need("mnt_parent", m.parent).need("mnt_mountpoint", m.mountpoint).need("mnt_mounts", m.mounts);
  f.need("mnt_child", m.child)
      .may("mnt_instance", m.instance)
      .need("mnt_id", m.id)
      .need("mnt_devname", m.devname)
      .need("mnt_ns", m.ns);
  f.in("super_block").need("s_dev", k.sb.dev).need("s_type", k.sb.type).need("s_root", k.sb.root);
  f.need("s_fs_info", k.sb.fs_info)
      .may("s_mounts", k.sb.mounts)
      .in("file_system_type")
      .need("name", k.sb.type_name);
  f.in("fs_struct").need("root.mnt", k.fs.root_mnt).need("root.dentry", k.fs.root_dentry);
  f.need("pwd.mnt", k.fs.pwd_mnt).need("pwd.dentry", k.fs.pwd_dentry);
}

void find_files(Finder& f, KernelLayout& k) {
  f.in("file").need("f_path.mnt", k.file.mnt).need("f_path.dentry", k.file.dentry);
  f.need("f_flags", k.file.flags)
      .need("f_inode", k.file.inode)
      .need("private_data", k.file.private_data)
      .may("f_pos", k.file.position);
  f.in("files_struct").need("fdt", k.files.fdt);
  f.in("fdtable")
      .need("max_fds", k.files.max_fds)
      .need("fd", k.files.fd)
      .need("close_on_exec", k.files.close_on_exec);
  auto& i = k.inode;
  f.in("inode").need("i_mode", i.mode).need("i_uid", i.uid).need("i_gid", i.gid).need("i_sb", i.sb);
  f.need("i_ino", i.ino).need("i_nlink", i.nlink).need("i_rdev", i.rdev).need("i_size", i.size);
  f.need("i_mapping", i.mapping).need("i_link", i.link).may("i_private", i.private_data);
  // Renamed in 6.7 and split in 6.11.
  f.may("i_mtime", i.mtime).may("__i_mtime", i.mtime);
  f.may("i_ctime", i.ctime).may("__i_ctime", i.ctime);
  f.may("i_mtime_sec", i.mtime_sec).may("i_mtime_nsec", i.mtime_nsec);
  f.may("i_ctime_sec", i.ctime_sec).may("i_ctime_nsec", i.ctime_nsec);
  f.in("timespec64").need("tv_sec", k.timespec_sec).need("tv_nsec", k.timespec_nsec);
  if (!i.mtime && !(i.mtime_sec && i.mtime_nsec)) f.lacks("inode.i_mtime");
  if (!i.ctime && !(i.ctime_sec && i.ctime_nsec)) f.lacks("inode.i_ctime");
  f.in("address_space").may("i_pages.xa_head", k.pages.head);
  f.in("xa_node").may("shift", k.pages.node_shift).may("slots", k.pages.node_slots);
  f.in("page").may("flags", k.pages.page_flags).may("index", k.pages.page_index);
  f.may("mapping", k.pages.page_mapping);
  f.in("proc_inode").may("pid", k.proc.pid).may("pde", k.proc.entry).may("vfs_inode", k.proc.inode);
  f.in("proc_dir_entry").may("data", k.proc.entry_data);
  f.in("socket").may("sk", k.socket.sk).in("sock").may("sk_peer_pid", k.socket.peer_pid);
}

void find_namespaces(Finder& f, KernelLayout& k) {
  auto& n = k.ns;
  f.in("nsproxy").may("uts_ns", n.uts_ns).may("ipc_ns", n.ipc_ns).need("mnt_ns", n.mnt_ns);
  f.may("pid_ns_for_children", n.pid_ns_for_children).may("net_ns", n.net_ns);
  f.may("time_ns", n.time_ns).may("cgroup_ns", n.cgroup_ns);
  f.in("uts_namespace").may("ns.inum", n.uts_inum).in("ipc_namespace").may("ns.inum", n.ipc_inum);
  f.in("mnt_namespace").may("ns.inum", n.mnt_inum).need("root", n.mnt_root);
  f.in("pid_namespace").may("ns.inum", n.pid_inum).in("net").may("ns.inum", n.net_inum);
  f.in("time_namespace").may("ns.inum", n.time_inum);
  f.in("cgroup_namespace").may("ns.inum", n.cgroup_inum);
  f.in("user_namespace").may("ns.inum", n.user_inum).may("parent", n.user_parent);
  f.in("ns_common").may("ops", n.ops).may("inum", n.inum);
  f.in("proc_ns_operations").may("name", n.ops_name);
  f.in("pid").may("level", k.pid.level).may("numbers", k.pid.numbers).may("tasks", k.pid.tasks);
  f.in("upid").may("nr", k.pid.upid_nr).may("ns", k.pid.upid_ns);
}

}  // namespace

Result<KernelLayout> KernelLayout::from(const BtfTypes& types) {
  KernelLayout k;
  Finder f(types);
  find_task(f, k);
  find_memory(f, k);
  find_names(f, k);
  find_files(f, k);
  find_namespaces(f, k);
  k.pages.page_size = types.size_of("page").value_or(0);
  k.pages.up_to_date = types.enum_value("pageflags", "PG_uptodate").value_or(0);
  k.pages.dirty = types.enum_value("pageflags", "PG_dirty").value_or(64);
  k.pid.upid_size = types.size_of("upid").value_or(0);
  // A variable of its own, or (6.2 to 6.14) a member of what is hot on each CPU.
  if (const auto variable = types.per_cpu_offset("current_task")) {
    k.current_task = *variable;
  } else if (const auto hot = types.per_cpu_offset("pcpu_hot")) {
    Member current;
    f.in("pcpu_hot").need("current_task", current);
    k.current_task = *hot + current.offset;
  } else {
    f.lacks("per-CPU current_task");
  }
  if (!f.missing().empty())
    return fail(Errc::kUnsupported, "the kernel's BTF has no " + f.missing());
  return k;
}

}  // namespace fptrace::emu
