#include <fcntl.h>
#include <linux/limits.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "common/syscall/decoded_call.h"

// Calls on descriptors: executable mappings, directory listings, descriptors of other processes.

namespace fptrace {
namespace {

struct MmapArguments {
  uint64_t addr = 0, length = 0;
  uint32_t prot = 0, flags = 0;
  int fd = -1;
  uint64_t offset = 0;  // bytes
};

class MmapCall : public DecodedCall {
 public:
  MmapCall(FileRef file, bool readable, const MmapArguments& args)
      : file_(std::move(file)), args_(args) {
    const uint32_t type = args.flags & MAP_TYPE;
    const bool plain = type == MAP_PRIVATE || type == MAP_SHARED;
    const bool sound = args.length != 0 && args.offset % 4096 == 0 && !(args.flags & kRefusable);
    const bool writes_back = type == MAP_SHARED && (args.prot & PROT_WRITE);
    if (S_ISREG(file_.mode) && plain && readable && sound && !writes_back) predict(kSucceeded);
  }

  void finish(Scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (!outcome.ok()) return;
    out.emplace_back(
        MmapEvent{file_, outcome.value, args_.length, args_.offset, args_.prot, args_.flags});
  }

 private:
  // The address asked for may be taken or out of range.
  static constexpr uint32_t kRefusable = 0x100000 /* MAP_FIXED_NOREPLACE */ | MAP_HUGETLB;

  FileRef file_;
  MmapArguments args_;
};

std::unique_ptr<DecodedCall> enter_mapping(Scene scene, const MmapArguments& args) {
  if (!(args.prot & PROT_EXEC) || (args.flags & MAP_ANONYMOUS)) return nullptr;
  auto file = scene.task.descriptor_file(args.fd);
  if (!file) return nullptr;  // EBADF
  return std::make_unique<MmapCall>(*std::move(file), scene.task.may_read_descriptor(args.fd),
                                    args);
}

std::unique_ptr<DecodedCall> enter_mmap(Scene scene, const Arguments& args) {
  return enter_mapping(
      scene, {args.word(0), args.word(1), args.u32(2), args.u32(3), args.i32(4), args.word(5)});
}

// i386: the offset in pages.
std::unique_ptr<DecodedCall> enter_mmap2(Scene scene, const Arguments& args) {
  return enter_mapping(scene, {args.word(0), args.word(1), args.u32(2), args.u32(3), args.i32(4),
                               args.word(5) * 4096});
}

// i386: struct mmap_arg_struct32.
std::unique_ptr<DecodedCall> enter_old_mmap(Scene scene, const Arguments& args) {
  struct Memory {
    uint32_t addr, length, prot, flags, fd, offset;
  };
  const auto m = read_object<Memory>(scene.task, args.word(0));
  if (!m) return nullptr;  // EFAULT
  return enter_mapping(scene, {m->addr, m->length, m->prot, m->flags, int(m->fd), m->offset});
}

class ListCall : public DecodedCall {
 public:
  explicit ListCall(FileRef directory) : directory_(std::move(directory)) {
    if (directory_.nlink != 0) predict(kSucceeded);
  }
  // A result of 0 is the end of a listing that was told of already.
  void finish(Scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (outcome.ok() && (!outcome.known || outcome.value != 0))
      out.emplace_back(ListEvent{directory_});
  }

 private:
  FileRef directory_;
};

std::unique_ptr<DecodedCall> enter_getdents(Scene scene, const Arguments& args) {
  auto file = scene.task.descriptor_file(args.i32(0));
  if (!file || !S_ISDIR(file->mode)) return nullptr;  // EBADF, ENOTDIR
  return std::make_unique<ListCall>(*std::move(file));
}

class ReceivedCall : public DecodedCall {
 public:
  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (!outcome.ok()) return;
    auto open = scene.task.descriptor(outcome.fd());
    if (!open) {
      out.emplace_back(GapEvent{"received descriptor", "pidfd_getfd"});
      return;
    }
    out.emplace_back(
        FdEvent{FdOrigin::kReceived, outcome.fd(), open->flags, std::move(open->file)});
  }
};

}  // namespace

void add_descriptor_calls(Handlers& handlers) {
  handlers["mmap"] = enter_mmap;
  handlers["mmap2"] = enter_mmap2;
  handlers["old_mmap"] = enter_old_mmap;
  handlers["getdents"] = handlers["getdents64"] = handlers["readdir"] = enter_getdents;
  handlers["pidfd_getfd"] = [](Scene, const Arguments&) {
    return std::make_unique<ReceivedCall>();
  };
}

}  // namespace fptrace
