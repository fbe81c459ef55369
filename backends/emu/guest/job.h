#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/emu/guest/disk_range.h"

namespace fptrace::emu {

// What the guest's init is to run, and as whom. Strings are bytes without NUL.
struct Job {
  enum class Input : uint32_t {
    kStream,  // a pipe that is fed with ToGuest::kInput
    kNull,    // /dev/null
    kFile,    // `input_file`, from `input_offset`
    kClosed,  // none at all
  };

  std::string program;  // the file to execute, absolute or relative to `cwd`
  std::vector<std::string> argv, env;
  std::string cwd;
  uint32_t uid = 0, gid = 0;
  std::vector<uint32_t> groups;
  // Bit N: capability N (capabilities(7)).
  struct Capabilities {
    uint64_t bounding = ~uint64_t{0}, inheritable = 0, permitted = 0, effective = 0, ambient = 0;
    bool operator==(const Capabilities&) const = default;
  };
  Capabilities capabilities;
  bool no_new_privs = false;
  int32_t nice = 0;
  uint32_t umask = 022;
  Input input = Input::kStream;
  std::string input_file;
  uint64_t input_offset = 0;
  bool one_output = false;       // standard error goes where standard output goes
  uint64_t ignored_signals = 0;  // bit N-1: signal N is ignored
  uint64_t blocked_signals = 0;
  struct Limit {
    uint32_t resource = 0;
    uint64_t soft = 0, hard = 0;
    bool operator==(const Limit&) const = default;
  };
  std::vector<Limit> limits;
  uint64_t time_ns = 0;  // since the epoch: what the guest's clock is set to
  std::string seed;      // for the guest's random number generator, which a restored one repeats
  std::string hostname;
  // Of the disk's file system: where the names and attributes of its files are.
  std::vector<DiskRange> disk_metadata;
  bool operator==(const Job&) const = default;
};

std::string encode_job(const Job& job);
// nullopt when `bytes` are not what encode_job() makes.
std::optional<Job> decode_job(std::string_view bytes);

}  // namespace fptrace::emu
