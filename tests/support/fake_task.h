#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/task/task_view.h"

namespace fptrace::testing {

// A file tree in memory. Paths given to the makers are canonical; missing parents are made. What
// lies below /proc is on a procfs of its own.
class FakeFileSystem : public FileSystem {
 public:
  static constexpr uint64_t kDev = 1, kProcDev = 2;

  FakeFileSystem();

  FileRef dir(const std::string& path, uint32_t permissions = 0755);
  FileRef file(const std::string& path, std::string content = "", uint32_t permissions = 0644);
  FileRef symlink(const std::string& path, std::string target);
  // A device, FIFO or socket: `type` is S_IFCHR and so on.
  FileRef special(const std::string& path, uint32_t type);
  // A magic link of procfs, leading to `target`.
  void magic(const std::string& path, FileRef target);
  void hard_link(const std::string& from, const std::string& to);
  void remove(const std::string& path);  // with all below it
  void rename(const std::string& from, const std::string& to);
  // Whatever stands below `path` cannot be looked up (EACCES).
  void deny(const std::string& path) { denied_.insert(path); }
  FileRef ref(const std::string& path);  // of an existing path

  Result<FileRef> lstat(const std::string& path) override;
  Result<std::string> readlink(const std::string& path) override;
  Result<std::string> read_head(const std::string& path, size_t size) override;
  Result<FileRef> follow_magic(const std::string& path) override;
  bool is_procfs(uint64_t dev) const override { return dev == kProcDev; }

  int lstats = 0;  // calls so far, for tests of what a lookup costs

 private:
  struct Node {
    FileRef file;
    std::string content;  // of a file or a symbolic link
    FileRef target;       // of a magic link
  };
  FileRef make(const std::string& path, uint32_t mode, std::string content);
  Result<Node*> find(const std::string& path, int links = 0);  // followed so far

  std::map<std::string, Node> nodes_;
  std::set<std::string> denied_;
  uint64_t next_ino_ = 1;
  int64_t clock_ = 1;
};

// A stopped task whose every answer a test writes down. Starts in "/" with pid and tid 100.
class FakeTask : public TaskView {
 public:
  explicit FakeTask(FakeFileSystem& fs);

  // Puts bytes into the task's memory and returns their address. The byte after them is not
  // readable. Below 4 GiB, so that 32-bit programs can point to it.
  uint64_t put(std::string_view bytes);
  uint64_t put_string(std::string_view text);  // with its terminator
  template <class T>
  uint64_t put_value(const T& value) {
    return put({reinterpret_cast<const char*>(&value), sizeof value});
  }
  void poke(uint64_t addr, std::string_view bytes);  // changes what put() made
  // Puts bytes where the test wants them, clear of what put() makes.
  void put_at(uint64_t addr, std::string_view bytes) { memory_[addr] = bytes; }
  void open(int fd, FileRef file, uint32_t flags = 0) { fds[fd] = {std::move(file), flags}; }

  pid_t pid() const override { return process_id; }
  pid_t tid() const override { return thread_id; }
  size_t read_memory(uint64_t addr, void* out, size_t size) override;
  Result<Registers> registers() override;
  Result<std::vector<MemoryRegion>> memory_map() override { return regions; }
  Result<OpenFile> descriptor(int fd) override;
  Result<FileRef> cwd() override;
  Result<FileRef> root() override;
  FileSystem& file_system() override { return fs_; }
  Result<std::vector<std::string>> argv() override { return args; }
  Result<std::vector<std::string>> env() override { return environment; }
  Result<FileRef> exe() override { return program; }

  pid_t process_id = 100, thread_id = 100;
  std::map<int, OpenFile> fds;
  std::string cwd_path = "/", root_path = "/";  // looked up in the file system at each call
  std::vector<std::string> args, environment;
  FileRef program;
  std::optional<Registers> cpu;  // what registers() says; without it, it fails
  std::vector<MemoryRegion> regions;

 private:
  FakeFileSystem& fs_;
  std::map<uint64_t, std::string> memory_;  // by first address; regions never touch
  uint64_t next_addr_ = 0x10000;
};

}  // namespace fptrace::testing
