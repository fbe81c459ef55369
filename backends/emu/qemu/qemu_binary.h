#pragma once
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fptrace::emu {

struct QemuVersion {
  int major = 0, minor = 0, micro = 0;
  std::string package;  // the distribution's own version, if it tells: "1:10.0.2+ds-2"
  bool operator==(const QemuVersion&) const = default;
};
std::string to_string(const QemuVersion& v);

// Pure: of what `qemu-system-x86_64 --version` prints, or --help does first.
Result<QemuVersion> parse_qemu_version(std::string_view text);

struct Qemu {
  std::string path;
  QemuVersion version;
};

// The QEMU in PATH, or what the environment's FPTRACE_QEMU names. Fails (kUnsupported), with what
// to do about it, if there is none, it is older than 10.0, or it cannot load plugins.
Result<Qemu> find_qemu();

// A program that comes with it, or with the system: "qemu-img", "mke2fs". Not one of a relative
// directory of PATH.
Result<std::string> find_in_path(const std::string& program);

// How to get a QEMU that will do, as the end of a sentence.
extern const char* const kGetQemu;

}  // namespace fptrace::emu
