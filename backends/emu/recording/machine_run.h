#pragma once
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/child_process.h"
#include "common/base/result.h"

namespace fptrace::emu {

// Where the program's standard output and error go, piece by piece, in the order it wrote them. To
// return false is to close that stream: the program then gets EPIPE, as if its reader had gone.
enum class Stream { kOut, kErr };
using OutputSink = std::function<bool(Stream stream, const char* data, size_t size)>;

// One QEMU process that restores a booted state and runs, or replays, one program in it. All its
// files are in private directories that go with the object, and so does the process.
//
// Made by prepare_recording() or prepare_replay(), below: the process is there then, and so is
// guest memory as it was when the guest had booted; no instruction is executed until serve().
class MachineRun {
 public:
  virtual ~MachineRun() = default;

  virtual pid_t pid() const = 0;  // of QEMU
  // With plugins: the file that is the guest's physical memory, from address 0 (no image has so
  // much that there is a hole). It exists from the start; map it read only.
  virtual const std::string& ram_path() const = 0;
  virtual uint64_t ram_size() const = 0;
  // The kernel that runs in the guest, as a bzImage.
  virtual const std::string& kernel_path() const = 0;
  // What the guest's disk contains when the program begins: an ext4 file system. See DiskReader.
  virtual std::string contents_path() const = 0;
  // What was, or is to be, run in the guest, and where.
  virtual const std::vector<std::string>& argv() const = 0;
  virtual const std::string& cwd() const = 0;
  // For files of the caller's own (a plugin's channel).
  virtual const std::string& directory() const = 0;

  // Which thread of this process answers the plugins, until this object is gone. It may be kept on
  // one processor with QEMU, so threads that it makes from now on may be, too.
  virtual void answered_by(pid_t thread) = 0;

  // Starts the machine and serves its program's standard streams until it has ended, then ends the
  // machine. Blocks; call it from a thread of its own while another one answers the plugins.
  // Returns how the program ended. An error says what became of the machine:
  //   kTracee (sys: the errno of execve) when the program could not be started in the guest,
  //   kBackend for a panic, a timeout, a QEMU that died, a replay that left its recording.
  // When `stop` is requested it returns kBackend with sys ECANCELED. Once only.
  virtual Result<ExitStatus> serve(const OutputSink& output, std::stop_token stop) = 0;

  // Guest instructions since the state was restored, as far as QEMU has told; for messages.
  virtual uint64_t instructions() const = 0;
};

struct RecordRequest {
  std::string image = "default";        // built at need
  std::vector<std::string> argv;        // argv[0] is looked up in PATH as execvp does
  std::optional<std::string> manifest;  // of an earlier trace: the files it lists, not the closure
  std::vector<std::string> include;     // files and whole directories to take along besides
  std::string rootfs;                // a directory or archive to be the guest's root; empty: none
  std::chrono::seconds timeout{0};   // 0: none
  std::vector<std::string> plugins;  // each the value of a -plugin option of QEMU
  std::function<void(const std::string&)> progress;  // while an image is built; may be null
  std::function<void(const std::string&)> warn;      // one sentence; may be null
};

class Recording : public MachineRun {
 public:
  // After serve() has returned a status: writes the bundle, whole or not at all.
  virtual Result<void> save(const std::string& path) = 0;
};

// Fails with kTracee and the errno of the search when the program is not there.
Result<std::unique_ptr<Recording>> prepare_recording(const RecordRequest& request);

struct ReplayRequest {
  std::string path;                  // of the bundle
  std::vector<std::string> plugins;  // as above
  std::chrono::seconds timeout{0};
  std::function<void(const std::string&)> warn;
};

// Fails, before anything is started, when image, machine or QEMU are not those of the recording:
// the message says what differs.
Result<std::unique_ptr<MachineRun>> prepare_replay(const ReplayRequest& request);

}  // namespace fptrace::emu
