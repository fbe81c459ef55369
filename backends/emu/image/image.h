#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/emu/image/kernel.h"
#include "backends/emu/qemu/machine.h"
#include "backends/emu/qemu/qemu_binary.h"
#include "common/base/result.h"

namespace fptrace::emu {

// A machine that has booted, ready to run a program: what `fptrace image` manages.
struct Image {
  std::string name;
  std::string directory;
  std::string recipe;          // says whether it is what would be built now
  std::string kernel_release;  // of the running kernel
  std::string kernel_origin;
  std::string qemu;   // its version, as text
  std::string state;  // SHA-256 of the saved state and the memory, in hex: its identity
  bool has_btf = false;
  Machine machine;

  std::string kernel_path() const { return directory + "/kernel"; }
  std::string initramfs_path() const { return directory + "/initramfs"; }
  std::string state_path() const { return directory + "/state.qcow2"; }
  std::string memory_path() const { return directory + "/memory"; }
  std::string disk_path() const { return directory + "/disk.qcow2"; }
};

// Of an image's files. Bumped when they, or the way they are made, change.
constexpr int kImageFormat = 2;

// The file that disk.qcow2 has as its backing file, beside it: the contents of the guest's disk.
constexpr char kContentsFile[] = "contents";
// The guest's disk is that large, whatever is on it.
constexpr uint64_t kDiskSize = uint64_t{32} << 30;

// The codec of an image's description. Pure.
std::string to_json(const Image& image);
// Of an image of another format there is only its name.
Result<Image> parse_image(std::string_view json);

// What an image built now would be made with, besides its kernel: the recipe.
std::string recipe(const Qemu& qemu);

struct BuildOptions {
  std::string name = "default";
  KernelChoice kernel;
  Machine machine;
  std::function<void(const std::string&)> progress;  // one short line; may be null
};

// $XDG_CACHE_HOME/fptrace/images, or ~/.cache/fptrace/images.
Result<std::string> image_store();

// All, by name, the current one of a name first.
Result<std::vector<Image>> list_images();
// The one that is current for `qemu`, built first if there is none (only "default" is built by
// itself).
Result<Image> image_for(const std::string& name, const Qemu& qemu,
                        const std::function<void(const std::string&)>& progress);
// The one with this identity; fails with what to do when it is not here any more.
Result<Image> image_with_state(const std::string& state);
// Builds it, unless it is there: then returns it, `built` false.
struct Built {
  Image image;
  bool built = false;
};
Result<Built> build_image(const BuildOptions& options, const Qemu& qemu);
// All of that name. kUnsupported when there is none.
Result<void> remove_image(const std::string& name);

}  // namespace fptrace::emu
