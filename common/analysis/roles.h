#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace fptrace {

// What a file was to the run. The order is that of the manifest.
enum class Role : uint8_t {
  kExecutable,   // a binary that was run
  kScript,       // a file that was run through a `#!` line
  kInterpreter,  // what such a line named
  kLibrary,      // mapped executable, or the dynamic loader
  kData,         // opened for reading, or read in another way
  kDirectory,    // its entries were listed
  kMetadata,     // nothing but asked about: stat, access, readlink, chdir, ...
  kSocket,       // connected to
};
inline constexpr std::array<std::string_view, 8> kRoleNames{
    "executable", "script", "interpreter", "library", "data", "directory", "metadata", "socket"};
constexpr std::string_view to_string(Role r) { return kRoleNames[size_t(r)]; }

class RoleSet {
 public:
  constexpr RoleSet() = default;
  constexpr RoleSet(std::initializer_list<Role> roles) {
    for (const Role r : roles) add(r);
  }
  constexpr void add(Role r) { bits_ = uint16_t(bits_ | bit(r)); }
  constexpr void remove(Role r) { bits_ = uint16_t(bits_ & ~bit(r)); }
  constexpr void add(RoleSet o) { bits_ = uint16_t(bits_ | o.bits_); }
  constexpr bool has(Role r) const { return (bits_ & bit(r)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const RoleSet&) const = default;

 private:
  static constexpr uint16_t bit(Role r) { return uint16_t(1u << unsigned(r)); }
  uint16_t bits_ = 0;
};

// How a library came into a process. Where a library came in several ways, the greatest counts:
// what the loader does by itself says more than what the program asked for.
enum class Linkage : uint8_t {
  kUnknown,  // the program or its libraries could not be read (any more)
  kDlopen,   // asked for at run time, or DT_NEEDED by a library that was
  kPreload,  // LD_PRELOAD, LD_AUDIT or /etc/ld.so.preload
  kNeeded,   // in the transitive DT_NEEDED closure of the program (or of a preloaded library)
  kInterp,   // the dynamic loader itself (PT_INTERP)
};
inline constexpr std::array<std::string_view, 5> kLinkageNames{"", "dlopen", "preload", "needed",
                                                               "interp"};
constexpr std::string_view to_string(Linkage l) { return kLinkageNames[size_t(l)]; }

enum class FileType : uint8_t {
  kRegular,
  kDirectory,
  kSymlink,
  kCharDevice,
  kBlockDevice,
  kFifo,
  kSocket
};
inline constexpr std::array<std::string_view, 7> kFileTypeNames{
    "file", "directory", "symlink", "chardev", "blockdev", "fifo", "socket"};
constexpr std::string_view to_string(FileType t) { return kFileTypeNames[size_t(t)]; }
// Of a st_mode; a mode of 0 (not known) counts as a regular file.
FileType file_type(uint32_t mode);

// The value whose name it is in one of the tables above.
template <class E, size_t N>
constexpr std::optional<E> from_name(const std::array<std::string_view, N>& names,
                                     std::string_view name) {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return E(i);
  }
  return std::nullopt;
}

}  // namespace fptrace
