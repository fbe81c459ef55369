#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/emu/qemu/machine.h"
#include "common/base/child_process.h"
#include "common/base/result.h"

namespace fptrace::emu {

// A recording as one file: a magic number, the length and hash of a header (JSON), the header, then
// the parts it lists, each compressed with zstd. All of it is hashed, so that a bundle that was cut
// short or edited is refused before anything is run.

// A part within the file. `offset` counts from the end of the header.
struct BundlePart {
  uint64_t offset = 0, packed = 0;  // bytes in the bundle
  uint64_t size = 0;                // bytes of the file it stands for
  std::string sha256;               // of the packed bytes, in hex
  bool operator==(const BundlePart&) const = default;
};

struct BundleHeader {
  std::string qemu;  // version, as text
  Machine machine;
  std::string image, state;  // the image's name, and its identity
  std::string kernel;        // its release
  std::vector<std::string> argv;
  std::string cwd;
  ExitStatus exit;
  // QEMU's count, which begins at the guest's boot: when the recording began, and at its end.
  uint64_t first_instruction = 0, instructions = 0;
  uint64_t output_bytes = 0;  // that the program wrote to its two streams
  // Of all that the guest said until its program had ended: frame by frame what it wrote, and at
  // the end its clock. A replay that says the same has done the same.
  std::string guest_sha256;
  BundlePart log, disk;
  bool operator==(const BundleHeader&) const = default;
};

// Pure, and both ways exact.
std::string to_json(const BundleHeader& header);
Result<BundleHeader> parse_bundle_header(std::string_view json);
// Pure: the header of a bundle of `file_size` bytes that begins with `head`, and where the parts
// begin. kMaxBundleHeader bytes are enough of a head.
struct BundleIndex {
  BundleHeader header;
  uint64_t parts = 0;
};
Result<BundleIndex> parse_bundle(std::string_view head, uint64_t file_size);
constexpr size_t kMaxBundleHeader = 8 << 20;

// Writes the bundle, whole or not at all. `log` and `disk` are files; the header's parts are filled
// in here.
Result<void> write_bundle(const std::string& path, BundleHeader header, const std::string& log,
                          const std::string& disk);
// Whether it begins like one; false also when it cannot be read.
bool is_bundle(const std::string& path);
// Reads and checks it, parts included.
Result<BundleIndex> read_bundle(const std::string& path);
// After read_bundle(): makes the files again.
Result<void> unpack_bundle(const std::string& path, const BundleIndex& index,
                           const std::string& log, const std::string& disk);

}  // namespace fptrace::emu
