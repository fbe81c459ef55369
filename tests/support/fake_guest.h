#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/emu/osi/guest_kernel.h"

struct btf;

namespace fptrace::testing {

// Where a made-up kernel differs from the usual one of the tests.
struct FakeKernelOptions {
  bool vma_list = false;         // mappings in a list, not in a maple tree
  bool child_lists = false;      // children of dentries in a list_head, as before 6.8
  bool own_current = false;      // current_task is a variable of its own, not in pcpu_hot
  bool counted_offsets = false;  // kallsyms without CONFIG_KALLSYMS_ABSOLUTE_PERCPU
  bool other_hash = false;       // names of dentries are hashed in another way
  std::string without{};         // "task_struct.pid": that member is missing; "btf": there is none
};

struct FakeMapping {
  uint64_t begin, end, flags /* VM_* */;
  uint64_t page_offset = 0, file = 0, ops = 0, private_data = 0;
};

// The memory of a guest, with a Linux kernel in it that is laid out as nobody's is and described by
// BTF of its own. Objects are made by what a test says of them and never freed.
class FakeGuest {
 public:
  static constexpr uint64_t kDirectMap = 0xffff888000000000, kImage = 0xffffffff81000000;
  static constexpr uint64_t kRead = 1, kWrite = 2, kExec = 4, kShared = 8;  // VM_*

  explicit FakeGuest(FakeKernelOptions options = {});
  ~FakeGuest();

  emu::GuestMemory memory() const { return emu::GuestMemory::over(bytes_); }
  std::vector<std::byte>& bytes() { return bytes_; }
  size_t used() const { return next_heap_; }  // of them
  // To be in memory from now on, as VMCOREINFO says. Without it there is no kernel to be found.
  void say(std::string_view line);

  // A zeroed object of a type, and its members: "pid", "f_path.mnt".
  uint64_t make(std::string_view type);
  uint64_t member(std::string_view type, uint64_t object, std::string_view path) const;
  void set(std::string_view type, uint64_t object, std::string_view path, uint64_t value);
  uint64_t put(std::string_view bytes);  // with a NUL behind them
  uint64_t words(std::vector<uint64_t> values, uint64_t alignment = 8);
  void poke(uint64_t vaddr, uint64_t value);  // eight bytes
  void poke_text(uint64_t vaddr, std::string_view text);
  uint64_t symbol(const std::string& name) const { return symbols_.at(name); }

  uint64_t super_block(std::string_view type, uint32_t major, uint32_t minor);
  uint64_t inode(uint64_t super_block, uint64_t ino, uint32_t mode, uint64_t size = 0);
  // Of no inode: a name known to be missing. Of no parent: a root.
  uint64_t dentry(uint64_t parent, std::string_view name, uint64_t inode);
  void unhash(uint64_t dentry);  // as unlink(2) does
  uint64_t mount(uint64_t super_block, uint64_t root, uint64_t parent = 0, uint64_t mountpoint = 0);
  uint64_t file(uint64_t mount, uint64_t dentry, uint32_t flags = 0);
  void page(uint64_t inode, uint64_t index, std::string_view text);  // in the page cache

  uint64_t task(int pid, std::string_view comm, uint64_t parent = 0);
  uint64_t thread(uint64_t leader, int tid, std::string_view comm);
  void set_root(uint64_t task, uint64_t mount, uint64_t dentry);
  void set_cwd(uint64_t task, uint64_t mount, uint64_t dentry);
  void open(uint64_t task, int fd, uint64_t file, bool close_on_exec = false);
  void run(uint64_t task);  // on the only CPU
  uint64_t gs_base() const { return per_cpu_; }
  // Ascending mappings of the task's own address space.
  void map(uint64_t task, const std::vector<FakeMapping>& mappings);
  // A page of it.
  void user_page(uint64_t task, uint64_t vaddr, std::string_view text);

  uint64_t mount_namespace() const { return mount_ns_; }

 private:
  struct Field {
    uint32_t offset, size;
    std::string type;
  };
  struct Type {
    uint32_t size = 0, align = 1;
    int id = 0;
    std::vector<std::pair<std::string, Field>> fields;
  };
  void add_type(std::string_view line);
  Field field(std::string_view type, std::string_view path) const;
  void add_per_cpu();
  void make_image();
  void make_symbols();
  void make_first_task();
  uint64_t image(size_t size, size_t alignment = 16);
  uint64_t heap(size_t size, size_t alignment = 16);
  std::byte* at(uint64_t vaddr);
  void map_page(uint64_t table, uint64_t vaddr, uint64_t paddr);
  void link_list(uint64_t head, uint64_t node);
  void hash_dentry(uint64_t dentry, uint64_t parent, std::string_view name);
  uint64_t tree(const std::vector<uint64_t>& vmas, const std::vector<FakeMapping>& mappings);
  std::vector<std::byte> btf_bytes() const;

  FakeKernelOptions options_;
  std::vector<std::byte> bytes_;
  btf* btf_;
  std::map<std::string, Type, std::less<>> types_;
  std::map<std::string, uint64_t> symbols_;
  uint64_t next_image_, next_heap_, info_ = 0, info_end_ = 0;
  uint64_t kernel_table_ = 0, per_cpu_ = 0, current_offset_ = 0, mount_ns_ = 0, page_structs_ = 0;
  uint64_t hash_table_ = 0;
  uint32_t next_mount_ = 20;
  uint64_t next_start_ = 1'000'000'000;
};

}  // namespace fptrace::testing
