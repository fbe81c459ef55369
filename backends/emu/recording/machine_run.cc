#include "backends/emu/recording/machine_run.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <future>
#include <optional>
#include <utility>

#include "backends/emu/image/image.h"
#include "backends/emu/image/memory_file.h"
#include "backends/emu/image/private_directory.h"
#include "backends/emu/qemu/process.h"
#include "backends/emu/recording/bundle.h"
#include "backends/emu/recording/caller.h"
#include "backends/emu/recording/disk_image.h"
#include "backends/emu/recording/guest_session.h"
#include "backends/emu/recording/payload.h"
#include "backends/emu/recording/read_disk.h"
#include "backends/emu/recording/rootfs_payload.h"
#include "common/path/program_search.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;

Result<void> copy(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::copy_file(from, to, error);
  if (error) return fail_errno("copy " + from + " to " + to, error.value());
  return {};
}

// Where a machine is set up.
struct Place {
  PrivateDirectory work;
  // With a file for the guest's memory, which is what is read and written most. Without, QEMU has
  // all that differs from the image's.
  std::optional<PrivateDirectory> memory;
  Image image;

  static Result<Place> make(const Image& image, bool shows_memory) {
    constexpr uint64_t kRoom = uint64_t{64} << 20;
    const std::string temporary = temporary_directory();
    if (auto ok = check_room(temporary, kRoom); !ok) return fail(ok.error());
    auto work = PrivateDirectory::make(temporary);
    if (!work) return fail(work.error());
    if (!shows_memory) return Place{*std::move(work), std::nullopt, image};
    const uint64_t bytes = uint64_t{image.machine.memory_mib} << 20;
    const std::string where = memory_directory(bytes, temporary);
    if (auto ok = check_room(where, bytes); !ok) return fail(ok.error());
    auto memory = PrivateDirectory::make(where);
    if (!memory) return fail(memory.error());
    return Place{*std::move(work), *std::move(memory), image};
  }

  Result<void> copy_image() const {
    if (auto ok = copy(image.state_path(), files().state); !ok) return ok;
    if (auto ok = copy(image.disk_path(), files().disk); !ok) return ok;
    return memory ? copy_memory(image.memory_path(), files().ram) : Result<void>();
  }

  MachineFiles files() const {
    return {image.kernel_path(),
            image.initramfs_path(),
            work.file("state.qcow2"),
            work.file("disk.qcow2"),
            memory ? memory->file("ram") : image.memory_path(),
            work.file("console"),
            !memory};
  }
  std::string contents() const { return work.file(kContentsFile); }
  std::string log() const { return work.file("rr.log"); }
};

class Run : public Recording {
 public:
  Run(Place place, const Qemu& qemu, SessionOptions session, BundleHeader header)
      : place_(std::move(place)),
        ram_(place_.files().ram),
        kernel_(place_.image.kernel_path()),
        qemu_(qemu),
        session_(std::move(session)),
        header_(std::move(header)) {
    session_.console = place_.files().console;
  }

  // Of a recording, before serve().
  void set_job(const Job& job) {
    session_.job = encode_job(job);
    session_.input = job.input == Job::Input::kStream ? STDIN_FILENO : -1;
    header_.argv = job.argv;
    header_.cwd = job.cwd;
  }

  // The process ends with the thread that calls this. Then restore(), which takes a while.
  Result<void> start(Mode mode, const std::vector<std::string>& plugins) {
    Launch launch;
    launch.mode = mode;
    launch.log = place_.log();
    launch.plugins = plugins;
    auto started = QemuProcess::start(qemu_, place_.image.machine, place_.files(),
                                      std::move(launch), place_.work.file("qemu.log"));
    if (!started) return fail(started.error());
    process_ = *std::move(started);
    return {};
  }
  Result<void> restore() {
    restored_ = true;
    return process_->restore_state();
  }

  pid_t pid() const override { return process_->pid(); }
  void answered_by(pid_t thread) override { process_->answered_by(thread); }
  const std::string& ram_path() const override { return ram_; }
  uint64_t ram_size() const override { return uint64_t{place_.image.machine.memory_mib} << 20; }
  const std::string& kernel_path() const override { return kernel_; }
  const std::string& directory() const override { return place_.work.path(); }
  std::string contents_path() const override { return place_.contents(); }
  const std::vector<std::string>& argv() const override { return header_.argv; }
  const std::string& cwd() const override { return header_.cwd; }
  uint64_t instructions() const override { return result_.instructions; }

  Result<ExitStatus> serve(const OutputSink& output, std::stop_token stop) override {
    if (!restored_) {
      if (auto ok = restore(); !ok) {
        process_.reset();
        return fail(ok.error());
      }
    }
    auto result = serve_guest(*process_, session_, output, stop);
    if (!result) {
      process_.reset();
      return fail(result.error());
    }
    result_ = *std::move(result);
    if (session_.job) {
      if (auto ok = process_->quit(); !ok) return fail(ok.error());
    } else {
      // It has nothing to write, and it may be about to end by itself, as its log says: the monitor
      // of QEMU 10.0 crashes when it is told to quit at that moment (monitor_cleanup() is faster
      // than handle_qmp_command()).
      process_.reset();
      if (auto ok = compare(); !ok) return fail(ok.error());
    }
    return result_.exit;
  }

  Result<void> save(const std::string& path) override {
    header_.exit = result_.exit;
    header_.first_instruction = result_.first_instruction;
    header_.instructions = result_.instructions;
    header_.output_bytes = result_.output_bytes;
    header_.guest_sha256 = result_.guest_sha256;
    if (auto ok = keep_what_was_read(place_.contents(), place_.files().disk); !ok) return ok;
    return write_bundle(path, header_, place_.log(), place_.contents());
  }

 private:
  // What a replay shows must be what was recorded, to the byte.
  Result<void> compare() const {
    if (result_.guest_sha256 == header_.guest_sha256) return {};
    return fail(Errc::kBackend,
                "the replay left its recording: what the guest said is something else, at "
                "instruction " +
                    std::to_string(result_.instructions));
  }

  Place place_;
  std::string ram_, kernel_;
  Qemu qemu_;
  SessionOptions session_;
  BundleHeader header_;
  SessionResult result_;
  bool restored_ = false;
  std::unique_ptr<QemuProcess> process_;  // ends before its files go
};

struct Contents {
  Result<std::string> program;  // its path in the guest
  std::vector<DiskRange> metadata;
  std::vector<std::string> warnings;
};

// Of the disk `path`. `program`: on this host; not of a rootfs.
Contents make_contents(const RecordRequest& request, const Job& job, const std::string& program,
                       const std::string& path) {
  if (!request.rootfs.empty()) {
    auto payload = write_rootfs_payload(path, request.rootfs, request.argv[0], search_path());
    if (!payload) return {fail(payload.error()), {}, {}};
    return {std::move(payload->program), std::move(payload->metadata), {}};
  }
  Contents made{program, {}, {}};
  const auto warn = [&made](const std::string& sentence) { made.warnings.push_back(sentence); };
  const PayloadRequest payload{program,          request.argv,    job.cwd, job.input_file,
                               request.manifest, request.include, warn};
  auto metadata = write_payload(path, payload);
  if (metadata)
    made.metadata = *std::move(metadata);
  else
    made.program = fail(metadata.error());
  return made;
}

void fill_in(Job& job, const RecordRequest& request, const Contents& made) {
  job.program = *made.program;
  job.disk_metadata = made.metadata;
  job.argv = request.argv;
  if (request.rootfs.empty()) return;
  job.cwd = "/";
  // A file of this host is not in that root.
  if (job.input == Job::Input::kFile) job.input = Job::Input::kStream;
}

Result<void> check_same(const BundleHeader& header, const Qemu& qemu, const std::string& path) {
  const std::string now = to_string(qemu.version);
  if (header.qemu == now) return {};
  return fail(Errc::kUnsupported, path + " was recorded with QEMU " + header.qemu +
                                      " and can only be replayed with that; here is " + now);
}

}  // namespace

Result<std::unique_ptr<Recording>> prepare_recording(const RecordRequest& request) {
  const auto qemu = find_qemu();
  if (!qemu) return fail(qemu.error());
  auto job = job_of_this_process();
  if (!job) return fail(job.error());
  Result<std::string> program;
  if (request.rootfs.empty()) program = find_program(request.argv[0]);
  if (!program) return fail(program.error());  // said before an image is built for it
  const auto image = image_for(request.image, *qemu, request.progress);
  if (!image) return fail(image.error());
  // Only plugins, and who listens to them, look at it.
  auto place = Place::make(*image, !request.plugins.empty());
  if (!place) return fail(place.error());
  if (auto ok = reserve_disk(place->contents()); !ok) return fail(ok.error());
  // The disk's contents are made while its machine starts.
  auto contents = std::async(std::launch::async, make_contents, std::cref(request), std::cref(*job),
                             *program, place->contents());
  if (auto ok = place->copy_image(); !ok) return fail(ok.error());
  SessionOptions session;
  session.timeout = request.timeout;
  BundleHeader header;
  header.qemu = image->qemu;
  header.machine = image->machine;
  header.image = image->name;
  header.state = image->state;
  header.kernel = image->kernel_release;
  auto run = std::make_unique<Run>(*std::move(place), *qemu, std::move(session), std::move(header));
  auto started = run->start(Mode::kRecord, request.plugins);
  if (started) started = run->restore();
  const Contents made = contents.get();
  if (request.warn) std::ranges::for_each(made.warnings, request.warn);
  if (!made.program) return fail(made.program.error());
  if (!started) return fail(started.error());
  fill_in(*job, request, made);
  run->set_job(*job);
  return run;
}

Result<std::unique_ptr<MachineRun>> prepare_replay(const ReplayRequest& request) {
  const auto qemu = find_qemu();
  if (!qemu) return fail(qemu.error());
  auto index = read_bundle(request.path);
  if (!index) return fail(index.error());
  if (auto ok = check_same(index->header, *qemu, request.path); !ok) return fail(ok.error());
  const auto image = image_with_state(index->header.state);
  if (!image) return fail(image.error().code, request.path + ": " + image.error().what);
  if (const auto differ = differences(index->header.machine, image->machine); !differ.empty())
    return fail(Errc::kUnsupported, request.path + ": " + differ.front());
  auto place = Place::make(*image, true);
  if (!place) return fail(place.error());
  auto copied = std::async(std::launch::async, [&place] { return place->copy_image(); });
  const auto unpacked = unpack_bundle(request.path, *index, place->log(), place->contents());
  if (auto ok = copied.get(); !ok) return fail(ok.error());
  if (!unpacked)
    return fail(unpacked.error().code, request.path + ": " + unpacked.error().what,
                unpacked.error().sys);
  SessionOptions session;
  session.timeout = request.timeout;
  auto run =
      std::make_unique<Run>(*std::move(place), *qemu, std::move(session), std::move(index->header));
  if (auto ok = run->start(Mode::kReplay, request.plugins); !ok) return fail(ok.error());
  return run;
}

}  // namespace fptrace::emu
