#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>

#include "common/syscall/decoded_call.h"
#include "common/syscall/exec_image.h"

// execve and execveat: ExecEvent, with every file that the kernel reads to start the program.

namespace fptrace {
namespace {

constexpr size_t kMostInterpreters = 5;   // exec_binprm() in fs/exec.c
constexpr uint32_t kCheckOnly = 0x10000;  // AT_EXECVE_CHECK, Linux 6.14
constexpr size_t kHeadSize = 4096;        // `#!` line, ELF header, usually PT_INTERP's name too
constexpr size_t kMostArguments = 65536;  // of a failed exec: what we care to copy
constexpr size_t kMostArgumentBytes = 2 << 20;

// The bytes of `span`, from `head` when they are in it.
std::string read_span(FileSystem& fs, const std::string& path, const std::string& head,
                      const FileSpan& span) {
  if (span.offset <= head.size() && span.size <= head.size() - span.offset)
    return head.substr(size_t(span.offset), size_t(span.size));
  auto bytes = fs.read_at(path, span.offset, size_t(span.size));
  return bytes ? *std::move(bytes) : std::string();
}

// The path of the loader that the ELF file wants; empty: none.
std::string loader_path(FileSystem& fs, const std::string& path, const std::string& head) {
  const auto headers = elf_program_headers(head);
  if (!headers) return "";
  const std::string table = read_span(fs, path, head, headers->table);
  const auto interpreter = elf_interpreter(table, headers->is_64);
  if (!interpreter) return "";
  const std::string name = read_span(fs, path, head, *interpreter);
  return name.substr(0, name.find('\0'));
}

// What runs when a file is executed.
struct Image {
  std::vector<Lookup> interpreters;  // of `#!`
  Lookup loader;
  bool known = true;  // false: not all that is needed could be read
};

Lookup find_program(Scene scene, std::string path, std::string& content_path) {
  auto name = name_path(scene, {AT_FDCWD, std::move(path), LastLink::kFollow, false, 0});
  content_path = std::move(name.found.content_path);
  return std::move(name.found.lookup);
}

Image read_image(Scene scene, const FileRef& program, std::string content_path) {
  Image image;
  FileSystem& fs = scene.task.file_system();
  uint32_t mode = program.mode;
  while (S_ISREG(mode)) {
    const auto head = fs.read_head(content_path, kHeadSize);
    image.known = head.has_value();
    if (!head) break;
    const auto interpreter = script_interpreter(*head);
    if (!interpreter) {
      std::string loader = loader_path(fs, content_path, *head);
      if (!loader.empty()) image.loader = find_program(scene, std::move(loader), content_path);
      break;
    }
    if (image.interpreters.size() == kMostInterpreters) break;  // ELOOP
    image.interpreters.push_back(find_program(scene, *interpreter, content_path));
    mode = image.interpreters.back().file.mode;
  }
  return image;
}

// The strings of a null-terminated array of pointers.
std::vector<std::string> read_strings(TaskView& task, uint64_t addr, bool narrow) {
  std::vector<std::string> strings;
  size_t bytes = 0;
  const uint64_t step = narrow ? 4 : 8;
  for (; addr != 0 && strings.size() < kMostArguments && bytes < kMostArgumentBytes; addr += step) {
    const auto pointer = read_word(task, addr, narrow);
    if (!pointer || *pointer == 0) break;
    auto string = read_string(task, *pointer, kMostArgumentBytes - bytes);
    if (!string.readable) break;
    bytes += string.text.size() + 1;
    strings.push_back(std::move(string.text));
  }
  return strings;
}

class ExecCall : public DecodedCall {
 public:
  ExecCall(Scene scene, NamedPath path, uint64_t argv, bool narrow, bool only_checks)
      : path_(std::move(path)), argv_(argv), narrow_(narrow), only_checks_(only_checks) {
    if (path_.exists()) image_ = read_image(scene, path_.file(), path_.found.content_path);
  }

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (only_checks_) {
      out.emplace_back(
          PathEvent{PathOp::kAccess, settle(scene, path_, outcome), "", outcome.error});
      return;
    }
    ExecEvent event;
    event.program = path_.found.lookup;
    Image image = image_;
    // What is seen of a guest is what its kernel remembers: more once it has read the files.
    if (!image.known) image = read_image(scene, path_.file(), path_.found.content_path);
    event.interpreters = std::move(image.interpreters);
    event.loader = std::move(image.loader);
    event.error = outcome.error;
    if (auto cwd = scene.task.cwd()) event.cwd = std::move(cwd->path);
    if (outcome.ok())
      describe_new_image(scene, event);
    else
      event.argv = read_strings(scene.task, argv_, narrow_);
    out.emplace_back(std::move(event));
  }

 private:
  void describe_new_image(Scene scene, ExecEvent& event) const {
    if (auto argv = scene.task.argv()) event.argv = *std::move(argv);
    if (auto env = scene.task.env()) event.env = *std::move(env);
    const Lookup& last = event.interpreters.empty() ? event.program : event.interpreters.back();
    if (path_.readable && scene.task.runs(last.file).value_or(true)) return;
    auto exe = scene.task.exe();
    if (!exe) return;
    if (!path_.readable) event.program.file = *exe;
    if (last.file.dev == exe->dev && last.file.ino == exe->ino) return;
    // The kernel runs something else than the files say: binfmt_misc has an interpreter for them,
    // or somebody replaced one of them in between.
    const std::string exe_link = "/proc/" + std::to_string(scene.task.pid()) + "/exe";
    event.loader = read_image(scene, *exe, exe_link).loader;
    Lookup real;
    real.path = exe->path;
    real.file = *std::move(exe);
    event.interpreters.push_back(std::move(real));
  }

  NamedPath path_;
  Image image_;
  uint64_t argv_;
  bool narrow_;
  bool only_checks_;
};

std::unique_ptr<DecodedCall> enter_execve(Scene scene, const Arguments& args) {
  auto path = name_path(scene, AT_FDCWD, args.word(0), LastLink::kFollow);
  return std::make_unique<ExecCall>(scene, std::move(path), args.word(1), args.narrow(), false);
}

std::unique_ptr<DecodedCall> enter_execveat(Scene scene, const Arguments& args) {
  const uint32_t flags = args.u32(4);
  const LastLink last = flags & AT_SYMLINK_NOFOLLOW ? LastLink::kKeep : LastLink::kFollow;
  auto path = name_path(scene, args.i32(0), args.word(1), last, flags & AT_EMPTY_PATH);
  return std::make_unique<ExecCall>(scene, std::move(path), args.word(2), args.narrow(),
                                    (flags & kCheckOnly) != 0);
}

}  // namespace

void add_exec_calls(Handlers& handlers) {
  handlers["execve"] = enter_execve;
  handlers["execveat"] = enter_execveat;
}

}  // namespace fptrace
