#include "common/elf/loader_setup.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <set>

namespace fptrace {
namespace {

// glibc's FLAG_ELF_LIBC6 with the ABI's own bits: sysdeps/generic/ldconfig.h.
constexpr uint32_t kLibc6 = 0x0003;

struct Machine {
  uint16_t machine;
  bool is_64, little_endian;
  const char* triplet;   // Debian's multiarch directory
  const char* platform;  // AT_PLATFORM, also of musl's path file where that has no other name
  uint32_t cache_flags;
};
constexpr Machine kMachines[] = {
    {EM_X86_64, true, true, "x86_64-linux-gnu", "x86_64", 0x0300 | kLibc6},
    {EM_X86_64, false, true, "x86_64-linux-gnux32", "x86_64", 0x0800 | kLibc6},
    {EM_386, false, true, "i386-linux-gnu", "i686", kLibc6},
    {EM_AARCH64, true, true, "aarch64-linux-gnu", "aarch64", 0x0a00 | kLibc6},
    {EM_ARM, false, true, "arm-linux-gnueabihf", "v7l", 0x0900 | kLibc6},
    {EM_PPC64, true, true, "powerpc64le-linux-gnu", "power8", 0x0500 | kLibc6},
    {EM_PPC64, true, false, "powerpc64-linux-gnu", "power8", 0x0500 | kLibc6},
    {EM_S390, true, false, "s390x-linux-gnu", "z13", 0x0400 | kLibc6},
    {EM_RISCV, true, true, "riscv64-linux-gnu", "riscv64", 0x1000 | kLibc6},
};
constexpr uint32_t kArmHardFloat = 0x400;  // EF_ARM_ABI_FLOAT_HARD

const Machine* find_machine(const ElfKind& kind) {
  for (const Machine& m : kMachines) {
    if (m.machine == kind.machine && m.is_64 == kind.is_64 &&
        m.little_endian == kind.little_endian) {
      return &m;
    }
  }
  return nullptr;
}

bool is_directory_name(std::string_view s) {
  return s.size() > 1 && s.front() == '/' && s.back() == '/' &&
         std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c < 127; });
}

// Levels of the psABI; the flags are named as Linux names them.
constexpr std::array kV2{"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"};
constexpr std::array kV3{"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"};
constexpr std::array kV4{"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};

std::set<std::string_view> flags_of(std::string_view cpuinfo) {
  std::set<std::string_view> flags;
  const size_t at = cpuinfo.starts_with("flags") ? 0 : cpuinfo.find("\nflags");
  if (at == cpuinfo.npos) return flags;
  std::string_view line = cpuinfo.substr(at + 1);
  line = line.substr(0, line.find('\n'));
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    flags.insert(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return flags;
}

LoaderSetup musl_setup(const std::string& interpreter) {
  LoaderSetup s;
  s.musl = true;
  s.default_directories = {"/lib", "/usr/local/lib", "/usr/lib"};
  // <prefix>/lib/ld-musl-ARCH.so.1 reads <prefix>/etc/ld-musl-ARCH.path.
  const size_t name = interpreter.rfind('/') + 1;
  const std::string directory = interpreter.substr(0, name);
  const std::string prefix =
      directory.ends_with("/lib/") ? directory.substr(0, directory.size() - 5) : "";
  const std::string base = interpreter.substr(name);
  s.path_file = prefix + "/etc/" + base.substr(0, base.find(".so")) + ".path";
  return s;
}

}  // namespace

std::vector<std::string> loader_directories(std::string_view image) {
  // A table of names that all begin and end with a slash, each ended by a NUL.
  for (size_t at = image.find("/lib"); at != image.npos; at = image.find("/lib", at + 1)) {
    if (at != 0 && image[at - 1] != '\0') continue;
    std::vector<std::string> found;
    for (size_t from = at; from < image.size();) {
      const size_t end = image.find('\0', from);
      if (end == image.npos || !is_directory_name(image.substr(from, end - from))) break;
      found.emplace_back(image.substr(from, end - from - 1));
      from = end + 1;
    }
    if (found.size() >= 2) return found;
  }
  return {};
}

std::vector<std::string> all_hwcaps(const ElfKind& kind) {
  if (kind.machine != EM_X86_64 || !kind.is_64) return {};
  return {"x86-64-v4", "x86-64-v3", "x86-64-v2"};
}

std::vector<std::string> all_platforms(const ElfKind& kind) {
  const Machine* m = find_machine(kind);
  if (m == nullptr) return {};
  // glibc before 2.34 named processors of its own.
  if (m->machine == EM_X86_64) return {m->platform, "haswell", "xeon_phi"};
  if (m->machine == EM_386) return {m->platform, "i586", "i486", "i386"};
  return {m->platform};
}

std::vector<std::string> x86_hwcaps(std::string_view cpuinfo) {
  const std::set<std::string_view> flags = flags_of(cpuinfo);
  const auto all = [&](const auto& names) {
    return std::all_of(names.begin(), names.end(), [&](auto* n) { return flags.contains(n); });
  };
  std::vector<std::string> levels;
  if (!all(kV2)) return levels;
  levels.insert(levels.begin(), "x86-64-v2");
  if (!all(kV3)) return levels;
  levels.insert(levels.begin(), "x86-64-v3");
  if (all(kV4)) levels.insert(levels.begin(), "x86-64-v4");
  return levels;
}

LoaderSetup loader_setup(const ElfKind& kind, const std::string& interpreter,
                         std::vector<std::string> directories, std::vector<std::string> hwcaps) {
  if (interpreter.find("ld-musl") != interpreter.npos) return musl_setup(interpreter);
  LoaderSetup s;
  s.hwcaps = std::move(hwcaps);
  const Machine* m = find_machine(kind);
  if (m != nullptr) {
    s.platforms = {m->platform};
    s.cache_flags = m->cache_flags;
    if (kind.machine == EM_ARM && (kind.flags & kArmHardFloat) == 0) s.cache_flags = 0x0b03;
    s.lib = std::string("lib/") + m->triplet;
  }
  s.default_directories = std::move(directories);
  if (s.default_directories.empty()) {
    if (m != nullptr) s.default_directories = {"/" + s.lib, "/usr/" + s.lib};
    if (kind.is_64)
      s.default_directories.insert(s.default_directories.end(), {"/lib64", "/usr/lib64"});
    s.default_directories.insert(s.default_directories.end(), {"/lib", "/usr/lib"});
  } else if (s.default_directories.front().size() > 1) {
    s.lib = s.default_directories.front().substr(1);  // glibc's $LIB is the tail of its first
  }
  return s;
}

}  // namespace fptrace
