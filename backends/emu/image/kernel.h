#pragma once
#include <string>
#include <string_view>

#include "backends/emu/image/private_directory.h"
#include "common/base/result.h"

namespace fptrace::emu {

struct Kernel {
  std::string image;    // a bzImage
  std::string modules;  // the directory with its modules and modules.builtin
  std::string
      origin;  // for people: "linux-image-6.1.0-56-cloud-amd64 6.1.192-2", "/boot/vmlinuz-…"
};

struct KernelChoice {
  std::string image, modules;  // both or none
  std::string package;         // a package to take it from
};

// The kernel that `choice` names or, without one: that of the distribution's cloud kernel package,
// downloaded and unpacked into `work` (nothing is installed), or else an installed one.
Result<Kernel> find_kernel(const KernelChoice& choice, const PrivateDirectory& work);

// Pure: the package that a meta package stands for, from what `apt-cache depends` prints about it;
// empty when it names no kernel, because the package is one itself.
std::string package_behind(std::string_view apt_cache_depends);

}  // namespace fptrace::emu
