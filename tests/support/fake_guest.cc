#include "tests/support/fake_guest.h"

#include <bpf/btf.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "backends/emu/osi/dentry_lookup.h"

namespace fptrace::testing {
namespace {

constexpr uint64_t kPage = 4096, kRam = 4 << 20;
constexpr uint64_t kImageBegin = 0x80000, kHeapBegin = 0x180000;  // physical
constexpr uint64_t kPageStructs = 0xffffea0000000000;
constexpr unsigned kHashBits = 10;

// One structure a line, its members in order: NAME=TYPE, NAME=TYPE[COUNT], or -=TYPE for an unnamed
// one. Padding is where it keeps the layout from being anybody's.
constexpr std::string_view kTypes = R"(list_head next=ptr prev=ptr
hlist_head first=ptr
hlist_node next=ptr pprev=ptr
hlist_bl_node next=ptr pprev=ptr
hash_and_length hash=u32 len=u32
qstr -=hash_and_length name=ptr
path mnt=ptr dentry=ptr
kuid_t val=u32
timespec64 tv_sec=u64 tv_nsec=u64
xarray xa_lock=u32 xa_head=ptr
maple_tree ma_flags=u32 ma_root=ptr
kernel_cap_t val=u64
thread_info flags=u64
sigset_t sig=u64
sigpending list=list_head signal=sigset_t
kill_fields _pid=u32 _uid=u32
sifields _kill=kill_fields
siginfo_members si_signo=u32 si_errno=u32 si_code=u32 _sifields=sifields
kernel_siginfo -=siginfo_members
ksignal ka=ptr info=kernel_siginfo sig=u32
task_struct thread_info=thread_info pad=u64[3] stack=ptr pending=sigpending flags=u32 comm=u8[16] exit_state=u32 tasks=list_head mm=ptr pid=u32 tgid=u32 real_parent=ptr group_leader=ptr thread_node=list_head thread_pid=ptr pid_links=hlist_node[4] start_time=u64 start_boottime=u64 real_cred=ptr cred=ptr fs=ptr files=ptr nsproxy=ptr signal=ptr
signal_struct pad=u32 flags=u32 group_exit_code=u32 nr_threads=u32 thread_head=list_head
cred usage=u32 uid=kuid_t gid=kuid_t suid=kuid_t sgid=kuid_t euid=kuid_t egid=kuid_t fsuid=kuid_t fsgid=kuid_t cap_effective=kernel_cap_t user_ns=ptr group_info=ptr
group_info usage=u32 ngroups=u32 gid=kuid_t[0]
mm_context vdso=ptr
mm_inner count=u32 mm_mt=maple_tree pgd=ptr start_brk=u64 brk=u64 start_stack=u64 arg_start=u64 arg_end=u64 env_start=u64 env_end=u64 context=mm_context exe_file=ptr mmap=ptr
mm_struct -=mm_inner cpu_bitmap=u64[2]
vm_area_struct vm_end=u64 vm_start=u64 vm_flags=u64 vm_next=ptr anon_name=ptr vm_ops=ptr vm_pgoff=u64 vm_file=ptr vm_private_data=ptr
vm_special_mapping name=ptr
anon_vma_name kref=u32 name=u8[0]
maple_range_64 parent=ptr pivot=u64[15] slot=ptr[16]
maple_arange_64 parent=ptr pivot=u64[9] slot=ptr[10] gap=u64[10]
file f_mode=u32 f_flags=u32 f_path=path f_inode=ptr private_data=ptr
dentry d_flags=u32 d_hash=hlist_bl_node d_parent=ptr d_name=qstr d_inode=ptr d_op=ptr d_sb=ptr d_fsdata=ptr d_child=list_head d_subdirs=list_head d_sib=hlist_node d_children=hlist_head
dentry_operations d_revalidate=ptr d_hash=ptr d_dname=ptr
vfsmount mnt_root=ptr mnt_sb=ptr
mount mnt_hash=hlist_node mnt_parent=ptr mnt_mountpoint=ptr mnt=vfsmount mnt_mounts=list_head mnt_child=list_head mnt_instance=list_head mnt_devname=ptr mnt_ns=ptr mnt_id=u32
super_block s_list=list_head s_dev=u32 s_type=ptr s_root=ptr s_fs_info=ptr s_mounts=list_head
file_system_type pad=u64 name=ptr
nlink_union i_nlink=u32
link_union i_link=ptr
inode i_mode=u16 i_uid=kuid_t i_gid=kuid_t i_sb=ptr i_mapping=ptr i_ino=u64 -=nlink_union i_rdev=u32 i_size=u64 i_mtime_sec=u64 i_ctime_sec=u64 i_mtime_nsec=u32 i_ctime_nsec=u32 -=link_union i_private=ptr
address_space host=ptr i_pages=xarray
xa_node shift=u8 offset=u8 parent=ptr slots=ptr[64]
page flags=u64 index=u64 pad=u64[6]
fs_struct users=u32 root=path pwd=path
files_struct count=u32 fdt=ptr
fdtable max_fds=u32 fd=ptr close_on_exec=ptr
ns_common stashed=ptr ops=ptr inum=u32
proc_ns_operations name=ptr
nsproxy count=u32 uts_ns=ptr ipc_ns=ptr mnt_ns=ptr pid_ns_for_children=ptr net_ns=ptr
uts_namespace pad=u64 ns=ns_common
ipc_namespace pad=u64[2] ns=ns_common
mnt_namespace ns=ns_common root=ptr
pid_namespace pad=u64[3] ns=ns_common
net pad=u64[4] ns=ns_common
user_namespace pad=u64 parent=ptr ns=ns_common
upid nr=u32 ns=ptr
pid count=u32 level=u32 tasks=hlist_head[4] numbers=upid[1]
proc_inode pid=ptr pde=ptr vfs_inode=inode
proc_dir_entry in_use=u32 data=ptr
socket state=u32 sk=ptr
sock pad=u64[2] sk_peer_pid=ptr
pcpu_hot preempt_count=u32 current_task=ptr)";

// A test asked for what the fake cannot do.
void must(bool good) {
  if (good) return;
  std::fputs("fake guest: no room, or no such type or member\n", stderr);
  std::abort();
}

uint64_t up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

}  // namespace

FakeGuest::FakeGuest(FakeKernelOptions options)
    : options_(std::move(options)),
      bytes_(kRam),
      btf_(btf__new_empty()),
      next_image_(kImageBegin),
      next_heap_(kHeapBegin) {
  for (const uint32_t size : {1U, 2U, 4U, 8U}) {
    const std::string name = "u" + std::to_string(size * 8);
    types_[name] = {size, size, btf__add_int(btf_, name.c_str(), size, 0), {}};
  }
  types_["ptr"] = {8, 8, btf__add_ptr(btf_, 0), {}};
  std::istringstream lines{std::string(kTypes)};
  for (std::string line; std::getline(lines, line);) add_type(line);
  must(btf__add_enum(btf_, "pageflags", 4) > 0);
  btf__add_enum_value(btf_, "PG_locked", 0);
  btf__add_enum_value(btf_, "PG_uptodate", 3);
  add_per_cpu();
  make_image();
  make_first_task();
}

FakeGuest::~FakeGuest() { btf__free(btf_); }

// --- types ---------------------------------------------------------------------------------------

void FakeGuest::add_type(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::string name;
  words >> name;
  Type type;
  std::vector<std::pair<std::string, int>> members;  // with the id of each one's type
  for (std::string word; words >> word;) {
    const size_t equals = word.find('='), bracket = word.find('[');
    const std::string field_name = word.substr(0, equals);
    const std::string element = word.substr(equals + 1, bracket - equals - 1);
    if (name + "." + field_name == options_.without) continue;
    // Which way a thing is done is told by the members that are there.
    if (options_.vma_list ? field_name == "mm_mt" : field_name == "mmap" || field_name == "vm_next")
      continue;
    if (options_.child_lists ? field_name == "d_children" || field_name == "d_sib"
                             : field_name == "d_subdirs" || field_name == "d_child")
      continue;
    const Type& of = types_.at(element);
    int id = of.id;
    uint32_t size = of.size;
    if (bracket != word.npos) {
      const auto count = uint32_t(std::stoul(word.substr(bracket + 1)));
      id = btf__add_array(btf_, types_.at("u32").id, of.id, count);
      size *= count;
    }
    const auto offset = uint32_t(up(type.size, of.align));
    type.size = offset + size;
    type.align = std::max(type.align, of.align);
    type.fields.push_back({field_name, {offset, size, element}});
    members.emplace_back(field_name == "-" ? "" : field_name, id);
  }
  type.size = uint32_t(up(type.size, type.align));
  type.id = btf__add_struct(btf_, name.c_str(), type.size);
  for (size_t i = 0; i < members.size(); ++i)
    btf__add_field(btf_, members[i].first.c_str(), members[i].second,
                   type.fields[i].second.offset * 8, 0);
  types_[name] = std::move(type);
}

FakeGuest::Field FakeGuest::field(std::string_view type, std::string_view path) const {
  const auto name = path.substr(0, path.find('.'));
  for (const auto& [field_name, f] : types_.find(type)->second.fields) {
    if (field_name == name) {
      if (name.size() == path.size()) return f;
      Field inner = field(f.type, path.substr(name.size() + 1));
      inner.offset += f.offset;
      return inner;
    }
    if (field_name != "-") continue;
    Field inner = field(f.type, path);
    if (inner.size == 0) continue;
    inner.offset += f.offset;
    return inner;
  }
  return {0, 0, ""};
}

void FakeGuest::add_per_cpu() {
  const char* name = options_.own_current ? "current_task" : "pcpu_hot";
  const Type& type = types_.at(options_.own_current ? "ptr" : "pcpu_hot");
  const int variable = btf__add_var(btf_, name, BTF_VAR_GLOBAL_ALLOCATED, type.id);
  btf__add_datasec(btf_, ".data..percpu", 256);
  btf__add_datasec_var_info(btf_, variable, 64, type.size);
  current_offset_ = 64 + (options_.own_current ? 0 : field("pcpu_hot", "current_task").offset);
}

// --- memory --------------------------------------------------------------------------------------

std::byte* FakeGuest::at(uint64_t vaddr) {
  const uint64_t paddr = vaddr >= kImage ? vaddr - kImage + kImageBegin : vaddr - kDirectMap;
  must(paddr < kRam);
  return &bytes_[paddr];
}

uint64_t FakeGuest::image(size_t size, size_t alignment) {
  next_image_ = up(next_image_, alignment);
  const uint64_t paddr = next_image_;
  next_image_ += size;
  must(next_image_ <= kHeapBegin);
  return kImage + paddr - kImageBegin;
}

uint64_t FakeGuest::heap(size_t size, size_t alignment) {
  next_heap_ = up(next_heap_, alignment);
  const uint64_t paddr = next_heap_;
  next_heap_ += size;
  must(next_heap_ <= kRam);
  return kDirectMap + paddr;
}

void FakeGuest::poke(uint64_t vaddr, uint64_t value) { std::memcpy(at(vaddr), &value, 8); }
void FakeGuest::poke_text(uint64_t vaddr, std::string_view text) {
  std::memcpy(at(vaddr), text.data(), text.size());
}

uint64_t FakeGuest::put(std::string_view text) {
  const uint64_t vaddr = heap(text.size() + 1);
  poke_text(vaddr, text);
  return vaddr;
}

uint64_t FakeGuest::words(std::vector<uint64_t> values, uint64_t alignment) {
  const uint64_t vaddr = heap(values.size() * 8, alignment);
  std::memcpy(at(vaddr), values.data(), values.size() * 8);
  return vaddr;
}

uint64_t FakeGuest::make(std::string_view type) { return heap(types_.find(type)->second.size, 16); }

uint64_t FakeGuest::member(std::string_view type, uint64_t object, std::string_view path) const {
  return object + field(type, path).offset;
}

void FakeGuest::set(std::string_view type, uint64_t object, std::string_view path, uint64_t value) {
  const Field f = field(type, path);
  must(f.size != 0 && f.size <= sizeof value);
  std::memcpy(at(object + f.offset), &value, f.size);
}

void FakeGuest::map_page(uint64_t table, uint64_t vaddr, uint64_t paddr) {
  for (unsigned shift = 39; shift > 12; shift -= 9) {
    const uint64_t entry = table + (vaddr >> shift & 511) * 8;
    uint64_t next = 0;
    std::memcpy(&next, &bytes_[entry], 8);
    if (next == 0) {
      next = (heap(kPage, kPage) - kDirectMap) | 0x67;
      std::memcpy(&bytes_[entry], &next, 8);
    }
    table = next & ~uint64_t{0xfff};
  }
  const uint64_t entry = paddr | 0x67;
  std::memcpy(&bytes_[table + (vaddr >> 12 & 511) * 8], &entry, 8);
}

void FakeGuest::link_list(uint64_t head, uint64_t node) {
  uint64_t first = 0;
  std::memcpy(&first, at(head), 8);
  if (first == 0) poke(head, first = head);
  uint64_t last = head;
  for (uint64_t next = first; next != head; std::memcpy(&next, at(next), 8)) last = next;
  poke(last, node);
  poke(node, head);
}

// --- the kernel ----------------------------------------------------------------------------------

void FakeGuest::make_image() {
  symbols_["_stext"] = image(64);
  symbols_["_etext"] = image(16);
  symbols_["init_task"] = image(types_.at("task_struct").size);
  for (const char* name : {"page_offset_base", "vmemmap_base", "__per_cpu_offset",
                           "dentry_hashtable", "d_hash_shift", "special_mapping_vmops"})
    symbols_[name] = image(8);
  symbols_["__per_cpu_start"] = options_.counted_offsets ? kImage : 0;
  uint32_t size = 0;
  const void* btf = btf__raw_data(btf_, &size);
  if (options_.without != "btf") {
    symbols_["__start_BTF"] = image(size);
    std::memcpy(at(symbols_["__start_BTF"]), btf, size);
    symbols_["__stop_BTF"] = symbols_["__start_BTF"] + size;
  }
  poke(symbols_["page_offset_base"], kDirectMap);
  poke(symbols_["vmemmap_base"], kPageStructs);
  hash_table_ = heap(size_t{8} << kHashBits, kPage);
  poke(symbols_["dentry_hashtable"], hash_table_);
  poke(symbols_["d_hash_shift"], 32 - kHashBits);
  // Per-CPU symbols count from __per_cpu_start.
  per_cpu_ = heap(256) - symbols_["__per_cpu_start"];
  poke(symbols_["__per_cpu_offset"], per_cpu_);

  kernel_table_ = heap(kPage, kPage) - kDirectMap;
  const uint64_t structs = up(kRam / kPage * types_.at("page").size, kPage);
  page_structs_ = heap(structs, kPage);
  for (uint64_t i = 0; i < structs; i += kPage)
    map_page(kernel_table_, kPageStructs + i, page_structs_ - kDirectMap + i);

  info_ = info_end_ = image(kPage, kPage);
  say("OSRELEASE=6.66.0-fake\n");
  std::ostringstream numbers;
  // The page tables lie in the image as far as their address tells, though here in the heap.
  numbers << "NUMBER(phys_base)=" << int64_t(kImageBegin) - int64_t(kImage - 0xffffffff80000000)
          << "\nNUMBER(pgtable_l5_enabled)=0\n"
          << std::hex << "SYMBOL(swapper_pg_dir)=" << kImage + kernel_table_ - kImageBegin
          << "\nSYMBOL(_stext)=" << symbols_["_stext"] << "\n";
  say(numbers.str());
  make_symbols();
}

void FakeGuest::say(std::string_view line) {
  poke_text(info_end_, line);
  info_end_ += line.size();
}

// Token 1 stands for "init_", the others for the character of their number.
void FakeGuest::make_symbols() {
  std::string names, tokens;
  std::vector<uint16_t> index;
  std::vector<int32_t> offsets;
  for (unsigned c = 0; c < 256; ++c) {
    index.push_back(uint16_t(tokens.size()));
    tokens += c == 1 ? "init_" : c == 0 ? "" : std::string(1, char(c));
    tokens += '\0';
  }
  for (const auto& [name, address] : symbols_) {
    std::string packed = (name.ends_with("text") ? "T" : "D") + name;
    if (name.starts_with("init_")) packed.replace(1, 5, "\1");
    names += char(packed.size());
    names += packed;
    const bool absolute = address == 0;
    offsets.push_back(options_.counted_offsets ? int32_t(address - kImage)
                      : absolute               ? 0
                                               : int32_t(kImage - 1 - address));
  }
  const auto put_in_image = [&](const char* table, const void* data, size_t size) {
    const uint64_t vaddr = image(size, 8);
    std::memcpy(at(vaddr), data, size);
    std::ostringstream line;
    line << "SYMBOL(kallsyms_" << table << ")=" << std::hex << vaddr << "\n";
    say(line.str());
  };
  const auto count = uint32_t(offsets.size());
  const uint64_t base = kImage;
  put_in_image("num_syms", &count, sizeof count);
  put_in_image("relative_base", &base, sizeof base);
  put_in_image("names", names.data(), names.size());
  put_in_image("token_table", tokens.data(), tokens.size());
  put_in_image("token_index", index.data(), index.size() * 2);
  put_in_image("offsets", offsets.data(), offsets.size() * 4);
}

void FakeGuest::make_first_task() {
  const uint64_t task = symbol("init_task");
  poke_text(member("task_struct", task, "comm"), "swapper/0");
  poke(member("task_struct", task, "tasks"), member("task_struct", task, "tasks"));
  mount_ns_ = make("mnt_namespace");
  set("mnt_namespace", mount_ns_, "ns.inum", 4026531841);
}

// --- files ---------------------------------------------------------------------------------------

uint64_t FakeGuest::super_block(std::string_view type, uint32_t major, uint32_t minor) {
  const uint64_t sb = make("super_block"), fs = make("file_system_type");
  set("file_system_type", fs, "name", put(type));
  set("super_block", sb, "s_type", fs);
  set("super_block", sb, "s_dev", major << 20 | minor);
  return sb;
}

uint64_t FakeGuest::inode(uint64_t super_block, uint64_t ino, uint32_t mode, uint64_t size) {
  // Each lies in a proc_inode, where procfs would find what it needs.
  const uint64_t inode = member("proc_inode", make("proc_inode"), "vfs_inode");
  const uint64_t mapping = make("address_space");
  set("inode", inode, "i_sb", super_block);
  set("inode", inode, "i_ino", ino);
  set("inode", inode, "i_mode", mode);
  set("inode", inode, "i_size", size);
  set("inode", inode, "i_nlink", 1);
  set("inode", inode, "i_mapping", mapping);
  return inode;
}

void FakeGuest::hash_dentry(uint64_t dentry, uint64_t parent, std::string_view name) {
  const uint32_t hash = emu::dentry_hash(parent, name) ^ (options_.other_hash ? 0xffff : 0);
  set("dentry", dentry, "d_name.hash", hash);
  const uint64_t bucket = hash_table_ + (hash >> (32 - kHashBits)) * 8;
  uint64_t first = 0;
  std::memcpy(&first, at(bucket), 8);
  set("dentry", dentry, "d_hash.next", first & ~uint64_t{1});
  set("dentry", dentry, "d_hash.pprev", bucket);
  poke(bucket, member("dentry", dentry, "d_hash") | 1);  // somebody holds its lock
}

uint64_t FakeGuest::dentry(uint64_t parent, std::string_view name, uint64_t inode) {
  const uint64_t dentry = make("dentry");
  set("dentry", dentry, "d_parent", parent != 0 ? parent : dentry);
  set("dentry", dentry, "d_name.len", name.size());
  set("dentry", dentry, "d_name.name", put(name));
  set("dentry", dentry, "d_inode", inode);
  if (parent == 0) return dentry;
  hash_dentry(dentry, parent, name);
  if (options_.child_lists) {
    link_list(member("dentry", parent, "d_subdirs"), member("dentry", dentry, "d_child"));
  } else {
    const uint64_t head = member("dentry", parent, "d_children");
    uint64_t first = 0;
    std::memcpy(&first, at(head), 8);
    set("dentry", dentry, "d_sib.next", first);
    poke(head, member("dentry", dentry, "d_sib"));
  }
  return dentry;
}

void FakeGuest::unhash(uint64_t dentry) { set("dentry", dentry, "d_hash.pprev", 0); }

uint64_t FakeGuest::mount(uint64_t super_block, uint64_t root, uint64_t parent,
                          uint64_t mountpoint) {
  const uint64_t mount = make("mount");
  set("mount", mount, "mnt.mnt_root", root);
  set("mount", mount, "mnt.mnt_sb", super_block);
  set("mount", mount, "mnt_parent", parent != 0 ? parent : mount);
  set("mount", mount, "mnt_mountpoint", mountpoint);
  set("mount", mount, "mnt_ns", mount_ns_);
  set("mount", mount, "mnt_id", next_mount_++);
  const uint64_t mounts = member("mount", mount, "mnt_mounts");
  poke(mounts, mounts);
  link_list(member("super_block", super_block, "s_mounts"), member("mount", mount, "mnt_instance"));
  uint64_t sb_root = 0;
  std::memcpy(&sb_root, at(member("super_block", super_block, "s_root")), 8);
  if (sb_root == 0) set("super_block", super_block, "s_root", root);
  if (parent != 0)
    link_list(member("mount", parent, "mnt_mounts"), member("mount", mount, "mnt_child"));
  else
    set("mnt_namespace", mount_ns_, "root", mount);
  return mount;
}

uint64_t FakeGuest::file(uint64_t mount, uint64_t dentry, uint32_t flags) {
  const uint64_t file = make("file");
  uint64_t inode = 0;
  std::memcpy(&inode, at(member("dentry", dentry, "d_inode")), 8);
  set("file", file, "f_path.mnt", member("mount", mount, "mnt"));
  set("file", file, "f_path.dentry", dentry);
  set("file", file, "f_inode", inode);
  set("file", file, "f_flags", flags);
  return file;
}

// One node of 64 slots.
void FakeGuest::page(uint64_t inode, uint64_t index, std::string_view text) {
  uint64_t mapping = 0, node = 0;
  std::memcpy(&mapping, at(member("inode", inode, "i_mapping")), 8);
  const uint64_t head = member("address_space", mapping, "i_pages.xa_head");
  std::memcpy(&node, at(head), 8);
  if (node == 0) poke(head, node = make("xa_node") + 2);
  const uint64_t content = heap(kPage, kPage);
  poke_text(content, text);
  const uint64_t number = (content - kDirectMap) / kPage * types_.at("page").size;
  set("page", page_structs_ + number, "flags", 1 << 3);
  set("page", page_structs_ + number, "index", index);
  poke(member("xa_node", node - 2, "slots") + index * 8, kPageStructs + number);
}

// --- tasks ---------------------------------------------------------------------------------------

uint64_t FakeGuest::thread(uint64_t leader, int tid, std::string_view comm) {
  const uint64_t task = make("task_struct");
  uint64_t signal = 0;
  uint32_t tgid = 0, threads = 0;
  std::memcpy(&signal, at(member("task_struct", leader, "signal")), 8);
  std::memcpy(&tgid, at(member("task_struct", leader, "tgid")), 4);
  std::memcpy(&threads, at(member("signal_struct", signal, "nr_threads")), 4);
  std::memcpy(at(task), at(leader), types_.at("task_struct").size);  // shares all with it
  set("task_struct", task, "pid", uint64_t(tid));
  poke_text(member("task_struct", task, "comm"), std::string(comm) + '\0');
  set("task_struct", task, "start_time", next_start_ += 1000);
  set("signal_struct", signal, "nr_threads", threads + 1);
  link_list(member("signal_struct", signal, "thread_head"),
            member("task_struct", task, "thread_node"));
  return task;
}

uint64_t FakeGuest::task(int pid, std::string_view comm, uint64_t parent) {
  const uint64_t task = make("task_struct"), signal = make("signal_struct"), cred = make("cred");
  const auto set_task = [&](std::string_view path, uint64_t value) {
    set("task_struct", task, path, value);
  };
  set_task("pid", uint64_t(pid));
  set_task("tgid", uint64_t(pid));
  set_task("group_leader", task);
  set_task("real_parent", parent != 0 ? parent : symbol("init_task"));
  set_task("start_time", next_start_ += 1'000'000);
  set_task("start_boottime", next_start_ + 5);
  poke_text(member("task_struct", task, "comm"), comm);
  set_task("signal", signal);
  set("signal_struct", signal, "nr_threads", 1);
  set_task("cred", cred);
  set_task("real_cred", cred);
  set("cred", cred, "user_ns", make("user_namespace"));
  set("cred", cred, "group_info", make("group_info"));
  set_task("fs", make("fs_struct"));
  const uint64_t files = make("files_struct"), table = make("fdtable"), proxy = make("nsproxy");
  set("fdtable", table, "max_fds", 64);
  set("fdtable", table, "fd", words(std::vector<uint64_t>(64)));
  set("fdtable", table, "close_on_exec", words({0}));
  set("files_struct", files, "fdt", table);
  set_task("files", files);
  set("nsproxy", proxy, "mnt_ns", mount_ns_);
  set_task("nsproxy", proxy);
  link_list(member("task_struct", symbol("init_task"), "tasks"),
            member("task_struct", task, "tasks"));
  link_list(member("signal_struct", signal, "thread_head"),
            member("task_struct", task, "thread_node"));
  return task;
}

void FakeGuest::set_root(uint64_t task, uint64_t mount, uint64_t dentry) {
  uint64_t fs = 0;
  std::memcpy(&fs, at(member("task_struct", task, "fs")), 8);
  set("fs_struct", fs, "root.mnt", member("mount", mount, "mnt"));
  set("fs_struct", fs, "root.dentry", dentry);
}

void FakeGuest::set_cwd(uint64_t task, uint64_t mount, uint64_t dentry) {
  uint64_t fs = 0;
  std::memcpy(&fs, at(member("task_struct", task, "fs")), 8);
  set("fs_struct", fs, "pwd.mnt", member("mount", mount, "mnt"));
  set("fs_struct", fs, "pwd.dentry", dentry);
}

void FakeGuest::open(uint64_t task, int fd, uint64_t file, bool close_on_exec) {
  uint64_t files = 0, table = 0, array = 0, bits = 0, word = 0;
  std::memcpy(&files, at(member("task_struct", task, "files")), 8);
  std::memcpy(&table, at(member("files_struct", files, "fdt")), 8);
  std::memcpy(&array, at(member("fdtable", table, "fd")), 8);
  std::memcpy(&bits, at(member("fdtable", table, "close_on_exec")), 8);
  std::memcpy(&word, at(bits), 8);
  poke(array + uint64_t(fd) * 8, file);
  if (close_on_exec) poke(bits, word | uint64_t{1} << fd);
}

void FakeGuest::run(uint64_t task) {
  poke(per_cpu_ + symbols_["__per_cpu_start"] + current_offset_, task);
}

// Leaves of up to 15 mappings with the gaps between them, below one root.
uint64_t FakeGuest::tree(const std::vector<uint64_t>& vmas,
                         const std::vector<FakeMapping>& mappings) {
  constexpr size_t kPerLeaf = 7;
  constexpr uint64_t kLeaf = 1, kRange = 3;
  std::vector<uint64_t> leaves, ends;
  for (size_t first = 0; first < vmas.size() || leaves.empty(); first += kPerLeaf) {
    const uint64_t leaf = heap(256, 256);
    const size_t last = std::min(first + kPerLeaf, vmas.size());
    size_t slot = 0;
    const auto add = [&](uint64_t bound, uint64_t entry) {
      if (slot < 15) poke(member("maple_range_64", leaf, "pivot") + slot * 8, bound);
      poke(member("maple_range_64", leaf, "slot") + slot++ * 8, entry);
    };
    for (size_t i = first; i < last; ++i) {
      const uint64_t before = i == 0 ? 0 : mappings[i - 1].end;
      if (mappings[i].begin > before) add(mappings[i].begin - 1, 0);
      add(mappings[i].end - 1, vmas[i]);
    }
    leaves.push_back(leaf | kLeaf << 3 | 4);
    ends.push_back(last == vmas.size() ? 0 : mappings[last - 1].end - 1);
  }
  if (leaves.size() == 1) return (leaves[0] & ~uint64_t{0xff}) | kLeaf << 3 | 2;
  const uint64_t root = heap(256, 256);
  must(leaves.size() <= 10);
  for (size_t i = 0; i < leaves.size(); ++i) {
    poke(member("maple_arange_64", root, "slot") + i * 8, leaves[i]);
    if (i < 9) poke(member("maple_arange_64", root, "pivot") + i * 8, ends[i]);
  }
  return root | kRange << 3 | 2;
}

void FakeGuest::map(uint64_t task, const std::vector<FakeMapping>& mappings) {
  const uint64_t mm = make("mm_struct");
  set("task_struct", task, "mm", mm);
  set("mm_struct", mm, "pgd", heap(kPage, kPage));
  std::vector<uint64_t> vmas;
  for (const FakeMapping& m : mappings) {
    const uint64_t vma = make("vm_area_struct");
    const auto set_vma = [&](std::string_view path, uint64_t value) {
      set("vm_area_struct", vma, path, value);
    };
    set_vma("vm_start", m.begin);
    set_vma("vm_end", m.end);
    set_vma("vm_flags", m.flags);
    set_vma("vm_pgoff", m.page_offset);
    set_vma("vm_file", m.file);
    set_vma("vm_ops", m.ops);
    set_vma("vm_private_data", m.private_data);
    if (options_.vma_list && !vmas.empty()) set("vm_area_struct", vmas.back(), "vm_next", vma);
    vmas.push_back(vma);
  }
  if (options_.vma_list) {
    set("mm_struct", mm, "mmap", vmas.empty() ? 0 : vmas.front());
  } else {
    set("mm_struct", mm, "mm_mt.ma_root", tree(vmas, mappings));
  }
}

void FakeGuest::user_page(uint64_t task, uint64_t vaddr, std::string_view text) {
  uint64_t mm = 0, pgd = 0;
  std::memcpy(&mm, at(member("task_struct", task, "mm")), 8);
  std::memcpy(&pgd, at(member("mm_struct", mm, "pgd")), 8);
  const uint64_t content = heap(kPage, kPage);
  poke_text(content, text);
  map_page(pgd - kDirectMap, vaddr, content - kDirectMap);
}

}  // namespace fptrace::testing
