#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "backends/emu/guest/frame_reader.h"
#include "backends/emu/guest/init_bytes.h"
#include "backends/emu/image/image.h"
#include "backends/emu/image/initramfs.h"
#include "backends/emu/image/kernel_modules.h"
#include "backends/emu/image/memory_file.h"
#include "backends/emu/qemu/command.h"
#include "backends/emu/qemu/process.h"
#include "common/base/text.h"
#include "common/content/sha256.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr seconds kBootTime{120};
Result<void> check_name(const std::string& name) {
  constexpr char kAllowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-";
  if (!name.empty() && name.size() <= 64 && name[0] != '.' && name[0] != '-' &&
      name.find_first_not_of(kAllowed) == std::string::npos)
    return {};
  return fail(Errc::kParse, "'" + name + "' is no name for an image");
}

// Only one builder at a time: a second one waits and finds the image there.
Result<UniqueFd> lock_store(const std::string& store) {
  const std::string path = store + "/.lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("open " + path);
  while (::flock(fd.get(), LOCK_EX) != 0)
    if (errno != EINTR) return fail_errno("lock " + path);
  return fd;
}

class Builder {
 public:
  Builder(const BuildOptions& options, const Qemu& qemu, PrivateDirectory work,
          PrivateDirectory memory)
      : options_(options), qemu_(qemu), work_(std::move(work)), memory_(std::move(memory)) {}

  // The finished image, still in the private directory.
  Result<Image> build() {
    image_.name = options_.name;
    image_.recipe = recipe(qemu_);
    image_.qemu = to_string(qemu_.version);
    image_.machine = options_.machine;
    for (const auto step : {&Builder::take_kernel, &Builder::make_disks, &Builder::boot,
                            &Builder::settle, &Builder::keep_memory, &Builder::describe})
      if (auto ok = (this->*step)(); !ok) return fail(ok.error());
    return image_;
  }

  Result<void> move_to(const std::string& directory) {
    if (::rename(out().c_str(), directory.c_str()) != 0)
      return fail_errno("rename " + out() + " to " + directory);
    return {};
  }

 private:
  // What stays, apart from what is only needed meanwhile.
  std::string out() const { return work_.file("image"); }
  std::string out(const char* name) const { return out() + "/" + name; }

  void progress(const std::string& line) {
    if (options_.progress) options_.progress(line);
  }

  Result<void> take_kernel() {
    progress("looking for a kernel");
    std::error_code error;
    fs::create_directory(out(), error);
    if (error) return fail_errno("make " + out(), error.value());
    const auto kernel = find_kernel(options_.kernel, work_);
    if (!kernel) return fail(kernel.error());
    image_.kernel_origin = kernel->origin;
    fs::copy_file(kernel->image, out("kernel"), error);
    if (error) return fail_errno("copy " + kernel->image, error.value());
    const auto modules = collect_modules(kernel->modules, kNeededModules, kUsefulModules);
    if (!modules) return fail(modules.error());
    return write_initramfs(out("initramfs"), init_bytes(), *modules);
  }

  Result<void> make_disks() {
    const auto qemu_img = find_in_path("qemu-img");
    if (!qemu_img) return fail(Errc::kUnsupported, qemu_img.error().what + "; install qemu-utils");
    const UniqueFd contents(
        ::open(out(kContentsFile).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (!contents || ::ftruncate(contents.get(), 1 << 20) != 0)
      return fail_errno("make " + out(kContentsFile));
    auto made = run_command({*qemu_img, "create", "-q", "-f", "qcow2", "state.qcow2", "1M"}, out());
    if (!made) return fail(made.error());
    // In pieces as small as the file system's: what lies beside something that the guest read is
    // not copied with it (see read_disk.h).
    made = run_command({*qemu_img, "create", "-q", "-f", "qcow2", "-o", "cluster_size=4096", "-b",
                        kContentsFile, "-F", "raw", "disk.qcow2", std::to_string(kDiskSize)},
                       out());
    if (!made) return fail(made.error());
    return {};
  }

  Result<void> boot() {
    progress("booting " + image_.kernel_origin);
    auto qemu = start(Mode::kBoot);
    if (!qemu) return fail(qemu.error());
    if (auto ok = wait_until_ready(**qemu, files().console); !ok) return ok;
    progress("saving its state");
    if (auto ok = (*qemu)->save_state(); !ok) return ok;
    return (*qemu)->quit();
  }

  // Saves the state once more, just after it was restored. A state knows how many instructions were
  // executed before, without which a machine that records fails (QEMU has 31 bits for the
  // difference), and how long the log was then, where a replay begins to read it: now it is as long
  // as that of each recording at its beginning.
  Result<void> settle() {
    auto qemu = start(Mode::kRecord);
    if (!qemu) return fail(qemu.error());
    if (auto ok = (*qemu)->restore_state(); !ok) return ok;
    if (auto ok = (*qemu)->save_state(); !ok) return ok;
    if (auto ok = (*qemu)->quit(); !ok) return ok;
    // A header, two events of the start and those of the end.
    constexpr uintmax_t kEmptyLog = 32;
    std::error_code error;
    if (fs::file_size(log(), error) > kEmptyLog || error)
      return fail(Errc::kBackend,
                  "QEMU wrote to its log before the machine went on, so that nothing recorded from "
                  "this state could be replayed; build the image again");
    return {};
  }

  Result<void> keep_memory() { return copy_memory(files().ram, out("memory")); }

  MachineFiles files() const {
    return {out("kernel"),     out("initramfs"),    out("state.qcow2"),
            out("disk.qcow2"), memory_.file("ram"), work_.file("console")};
  }

  std::string log() const { return work_.file("rr.log"); }  // nobody replays it

  Result<std::unique_ptr<QemuProcess>> start(Mode mode) {
    Launch launch;
    launch.mode = mode;
    launch.log = log();
    return QemuProcess::start(qemu_, options_.machine, files(), launch, work_.file("qemu.log"));
  }

  Result<void> wait_until_ready(QemuProcess& qemu, const std::string& console) {
    FrameReader reader;
    const auto deadline = steady_clock::now() + kBootTime;
    for (;;) {
      pollfd p{qemu.from_guest(), POLLIN, 0};
      if (::poll(&p, 1, 1000) < 0 && errno != EINTR) return fail_errno("poll");
      char buffer[4096];
      const ssize_t n = ::read(qemu.from_guest(), buffer, sizeof buffer);
      if (n == 0) {
        const std::string said = last_line_of(console);
        return fail(Errc::kBackend,
                    "the guest did not boot: " + (said.empty() ? qemu.obituary() : said));
      }
      if (n > 0) reader.add({buffer, size_t(n)});
      auto frame = reader.next();
      if (!frame) return fail(frame.error());
      if (*frame) return take_ready(**frame);
      if (steady_clock::now() > deadline) {
        const std::string said = last_line_of(console);
        return fail(Errc::kBackend, "the guest was not ready after " +
                                        std::to_string(kBootTime.count()) + " s" +
                                        (said.empty() ? "" : "; it last said: " + said));
      }
    }
  }

  Result<void> take_ready(const FrameReader::Frame& frame) {
    if (frame.type == ToHost::kFailed)
      return fail(Errc::kBackend, "the guest's init: " + frame.content);
    Ready ready;
    if (frame.type != ToHost::kReady || frame.content.size() < sizeof ready)
      return fail(Errc::kBackend, "the guest's init does not say that it is ready");
    std::memcpy(&ready, frame.content.data(), sizeof ready);
    if (ready.version != kProtocolVersion)
      return fail(Errc::kBackend, "the guest's init is of another version of fptrace");
    image_.has_btf = ready.has_btf == 1;
    image_.kernel_release = frame.content.substr(sizeof ready);
    while (image_.kernel_release.ends_with('\n')) image_.kernel_release.pop_back();
    if (!image_.has_btf)
      return fail(Errc::kUnsupported,
                  "kernel " + image_.kernel_release +
                      " has no BTF (CONFIG_DEBUG_INFO_BTF), without which nothing can be seen in "
                      "it; take another one (--package, --kernel)");
    return {};
  }

  Result<void> describe() {
    auto identity = identify();
    if (!identity) return fail(identity.error());
    image_.state = *std::move(identity);
    ::unlink(out(kContentsFile).c_str());
    std::ofstream file(out("image.json"));
    file << to_json(image_) << std::flush;
    if (!file) return fail(Errc::kIo, "write " + out("image.json"));
    return {};
  }

  Result<std::string> identify() {
    const UniqueFd state(::open(out("state.qcow2").c_str(), O_RDONLY | O_CLOEXEC));
    if (!state) return fail_errno("open " + out("state.qcow2"));
    const auto devices = sha256_of(state.get());
    if (!devices) return fail(devices.error());
    Sha256Stream all;
    all.add(to_hex(*devices));
    auto ok = read_memory(out("memory"), [&all](uint64_t offset, std::string_view bytes) {
      all.add({reinterpret_cast<const char*>(&offset), sizeof offset});
      all.add(bytes);
      return Result<void>();
    });
    if (!ok) return fail(ok.error());
    const auto hash = all.finish();
    if (!hash) return fail(hash.error());
    return to_hex(*hash);
  }

  const BuildOptions& options_;
  const Qemu& qemu_;
  PrivateDirectory work_, memory_;
  Image image_;
};

bool as_wanted(const Image& image, const BuildOptions& options) {
  return image.machine == options.machine && options.kernel.image.empty() &&
         (options.kernel.package.empty() ||
          image.kernel_origin.starts_with(options.kernel.package + " "));
}

}  // namespace

Result<Built> build_image(const BuildOptions& options, const Qemu& qemu) {
  if (auto ok = check_name(options.name); !ok) return fail(ok.error());
  if (auto ok = check(options.machine); !ok) return fail(ok.error());
  const auto store = image_store();
  if (!store) return fail(store.error());
  const auto lock = lock_store(*store);
  if (!lock) return fail(lock.error());
  const auto images = list_images();
  if (!images) return fail(images.error());
  const std::string now = recipe(qemu);
  for (const auto& image : *images) {
    if (image.name != options.name || image.recipe != now) continue;
    if (as_wanted(image, options)) return Built{image, false};
    return fail(Errc::kUnsupported, "there is another image " + options.name + " (kernel " +
                                        image.kernel_origin + "); remove it (fptrace image rm " +
                                        options.name + ") or give this one another name");
  }
  constexpr uint64_t kRoom = uint64_t{700} << 20;  // package, modules, image
  if (auto ok = check_room(*store, kRoom); !ok) return fail(ok.error());
  auto work = PrivateDirectory::make(*store);
  if (!work) return fail(work.error());
  const uint64_t memory = uint64_t{options.machine.memory_mib} << 20;
  auto ram = PrivateDirectory::make(memory_directory(memory, temporary_directory()));
  if (!ram) return fail(ram.error());
  Builder builder(options, qemu, *std::move(work), *std::move(ram));
  auto image = builder.build();
  if (!image) return fail(image.error());
  image->directory = *store + "/" + options.name + "-" + now;
  if (auto ok = builder.move_to(image->directory); !ok) return fail(ok.error());
  return Built{*std::move(image), true};
}

}  // namespace fptrace::emu
