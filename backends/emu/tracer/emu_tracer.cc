#include "backends/emu/tracer/emu_tracer.h"

#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <thread>

#include "backends/emu/image/private_directory.h"
#include "backends/emu/tracer/left_out.h"
#include "backends/emu/tracer/session.h"
#include "common/proc/os_release.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;

bool write_to_standard_streams(Stream stream, const char* data, size_t size) {
  const int fd = stream == Stream::kOut ? STDOUT_FILENO : STDERR_FILENO;
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;  // nobody reads
    data += n;
    size -= size_t(n);
  }
  return true;
}

class EmuTracer final : public Tracer {
 public:
  explicit EmuTracer(Options options) : options_(std::move(options)) {}

  Cap capabilities() const override {
    Cap all = Cap::kProcesses | Cap::kFiles | Cap::kMaps | Cap::kSignals;
    if (options_.hash) all = all | Cap::kContent;
    if (options_.openers) all = all | Cap::kOpeners;
    for (const Observer* observer : options_.observers) all = all | observer->capabilities();
    return all;
  }

  Result<ExitStatus> run(const Command& command, EventSink& sink, std::stop_token stop) override {
    auto directory = PrivateDirectory::make(temporary_directory());
    if (!directory) return fail(directory.error());
    auto channel = Channel::create(directory->file("channel"), true);
    if (!channel) return fail(channel.error());
    for (Observer* const observer : options_.observers) observer->prepare(*channel);
    const std::string plugin = "file=" + options_.plugin + ",channel=" + directory->file("channel");
    if (!options_.replay.empty())
      return replay(options_.replay, plugin, *channel, sink, stop, output());
    RecordRequest request = options_.record;
    request.argv = command.argv;
    request.warn = options_.warn;
    if (options_.live) request.plugins = {plugin};
    auto recording = prepare_recording(request);
    if (!recording) return fail(recording.error());
    if (options_.live) {
      auto status = watch(**recording, *channel, sink, stop, output());
      if (!status || options_.keep.empty()) return status;
      if (auto saved = (*recording)->save(options_.keep); !saved) return fail(saved.error());
      return status;
    }
    auto status = (*recording)->serve(output(), stop);
    if (!status) return status;
    const std::string bundle = options_.keep.empty() ? directory->file("run.fpr") : options_.keep;
    if (auto saved = (*recording)->save(bundle); !saved) return fail(saved.error());
    recording->reset();  // its machine's memory is needed for the next one
    // The program has had its output already.
    return replay(bundle, plugin, *channel, sink, stop,
                  [](Stream, const char*, size_t) { return true; });
  }

 private:
  OutputSink output() const {
    return options_.output ? options_.output : write_to_standard_streams;
  }

  Result<ExitStatus> replay(const std::string& bundle, const std::string& plugin, Channel& channel,
                            EventSink& sink, const std::stop_token& stop,
                            const OutputSink& output) {
    ReplayRequest request;
    request.path = bundle;
    request.plugins = {plugin};
    request.timeout = options_.record.timeout;
    request.warn = options_.warn;
    auto machine = prepare_replay(request);
    if (!machine) return fail(machine.error());
    return watch(**machine, channel, sink, stop, output);
  }

  // The machine on a thread of its own, its stops on this one.
  Result<ExitStatus> watch(MachineRun& machine, Channel& channel, EventSink& sink,
                           const std::stop_token& stop, const OutputSink& output) {
    auto memory = GuestMemory::open(machine.ram_path());
    if (!memory) return fail(memory.error());
    const Channel::Ram ram{machine.ram_path(), machine.ram_size(),
                           GuestMemory::pc_low_size(machine.ram_size())};
    if (auto ok = channel.set_ram(ram); !ok) return fail(ok.error());
    const Session::Options how{options_.openers, options_.hash,      options_.whole_machine,
                               options_.calls,   options_.observers, options_.progress};
    const auto disk = DiskReader::open(machine.contents_path());
    if (!disk) return fail(disk.error());
    LeftOut left_out(sink);
    Session session(how, channel, *memory, &*disk, left_out);
    std::optional<Result<ExitStatus>> served;
    std::atomic<bool> over = false;
    Result<std::optional<ExitStatus>> seen = std::optional<ExitStatus>();
    machine.answered_by(::gettid());
    {
      const std::jthread server([&] {
        served = machine.serve(output, stop);
        over = true;
      });
      seen = session.run(describe(machine), [&over] { return over.load(); });
    }
    // What the session found wrong ended the machine.
    if (!seen) return fail(seen.error());
    if (session.saw_enough()) return ExitStatus{};
    if (!*served) return fail(served->error());
    if (!*seen) return fail(Errc::kBackend, missed(channel));
    if (options_.warn)
      for (const std::string& sentence : left_out.sentences(*disk)) options_.warn(sentence);
    return **served;
  }

  TraceStartEvent describe(const MachineRun& machine) const {
    TraceStartEvent start;
    start.backend = "emu";
    start.argv = machine.argv();
    start.cwd = machine.cwd();
    start.os = os_name();
    start.machine = "x86_64";
    return start;
  }

  static std::string missed(const Channel& channel) {
    if (channel.plugin_version() != 0 && channel.plugin_version() != kWireVersion)
      return "the plugin is of another build of fptrace; install both from one package";
    return "the machine ended without a sign of the program; please report this";
  }

  Options options_;
};

}  // namespace

Result<std::string> find_plugin() {
  constexpr const char* kName = "fptrace_plugin.so";
  std::error_code none;
  const fs::path self = fs::read_symlink("/proc/self/exe", none).parent_path();
  const fs::path places[] = {self / kName, self / "../lib/fptrace" / kName,
                             fs::path(FPTRACE_PLUGIN_BUILT)};
  std::string tried;
  for (const fs::path& place : places) {
    if (fs::exists(place, none)) return fs::weakly_canonical(place, none).string();
    tried += (tried.empty() ? "" : ", ") + place.lexically_normal().string();
  }
  return fail(Errc::kUnsupported, "the plugin for QEMU is missing (looked for " + tried +
                                      "); reinstall fptrace with its emulator backend");
}

Result<std::unique_ptr<Tracer>> make_tracer(Options options) {
  if (options.plugin.empty()) {
    auto plugin = find_plugin();
    if (!plugin) return fail(plugin.error());
    options.plugin = *std::move(plugin);
  }
  // A comma ends a value in QEMU's options unless it is doubled; its plugin options split earlier.
  if (options.plugin.find(',') != std::string::npos)
    return fail(Errc::kUnsupported,
                "QEMU takes no plugin whose path has a comma: " + options.plugin);
  return std::unique_ptr<Tracer>(std::make_unique<EmuTracer>(std::move(options)));
}

}  // namespace fptrace::emu
