#include "common/unwind/open_family.h"

#include <algorithm>

namespace fptrace::unwind {
namespace {

// Of glibc and musl, sorted. The __…_2 ones are what _FORTIFY_SOURCE calls, the …64 ones are for
// large files, …_time64 for 32-bit programs with 64-bit times.
constexpr std::string_view kOpeners[] = {"_IO_file_fopen",
                                         "_IO_file_open",
                                         "_IO_fopen",
                                         "__fts64_children_time64",
                                         "__fts64_open_time64",
                                         "__fts64_read_time64",
                                         "__ftw64_time64",
                                         "__glob64_time64",
                                         "__nftw64_time64",
                                         "__open",
                                         "__open64",
                                         "__open64_2",
                                         "__open64_nocancel",
                                         "__open_2",
                                         "__open_nocancel",
                                         "__openat64_2",
                                         "__openat_2",
                                         "__setmntent",
                                         "acct",
                                         "catopen",
                                         "creat",
                                         "creat64",
                                         "dlmopen",
                                         "dlopen",
                                         "fopen",
                                         "fopen64",
                                         "forkpty",
                                         "freopen",
                                         "freopen64",
                                         "fts64_children",
                                         "fts64_open",
                                         "fts64_read",
                                         "fts_children",
                                         "fts_open",
                                         "fts_read",
                                         "ftw",
                                         "ftw64",
                                         "getpt",
                                         "glob",
                                         "glob64",
                                         "memfd_create",
                                         "mkostemp",
                                         "mkostemp64",
                                         "mkostemps",
                                         "mkostemps64",
                                         "mkstemp",
                                         "mkstemp64",
                                         "mkstemps",
                                         "mkstemps64",
                                         "nftw",
                                         "nftw64",
                                         "open",
                                         "open64",
                                         "open_by_handle_at",
                                         "open_tree",
                                         "openat",
                                         "openat2",
                                         "openat64",
                                         "opendir",
                                         "openpty",
                                         "posix_openpt",
                                         "scandir",
                                         "scandir64",
                                         "scandirat",
                                         "scandirat64",
                                         "sem_open",
                                         "setmntent",
                                         "shm_open",
                                         "swapoff",
                                         "swapon",
                                         "syscall",
                                         "tmpfile",
                                         "tmpfile64",
                                         "uselib",
                                         "wordexp"};

bool is_one_of(std::string_view name, std::string_view prefix, std::string_view part) {
  return name.starts_with(prefix) && name.find(part, prefix.size()) != std::string_view::npos;
}

// C++ library classes that open a file by name, as the Itanium ABI mangles them. libstdc++ puts
// them in std::, libc++ in std::__1::.
bool is_stream_opener(std::string_view symbol) {
  constexpr std::string_view kStd = "_ZNSt", kInline = "3__1";
  if (!symbol.starts_with(kStd)) return false;
  std::string_view name = symbol.substr(kStd.size());
  if (name.starts_with(kInline)) name.remove_prefix(kInline.size());
  for (const std::string_view stream :
       {"14basic_ifstreamI", "14basic_ofstreamI", "13basic_fstreamI"}) {
    if (!name.starts_with(stream)) continue;
    // Constructors that take a name, not the one that takes nothing.
    const bool constructs = (name.find("EC1E") != std::string_view::npos ||
                             name.find("EC2E") != std::string_view::npos) &&
                            !name.ends_with("Ev");
    return constructs || name.find("E4openE") != std::string_view::npos;
  }
  if (is_one_of(name, "13basic_filebufI", "E4openE")) return true;
  if (is_one_of(name, "12__basic_file", "E4openE")) return true;
  const std::string_view file_system =
      name.starts_with("4__fs") ? "4__fs10filesystem" : "10filesystem";
  // The iterator's ++ opens directories too, where it is the recursive one.
  return is_one_of(name, file_system, "directory_iterator") ||
         is_one_of(name, file_system, "copy_fileE") || is_one_of(name, file_system, "4copyE");
}

}  // namespace

bool opens_for_its_caller(std::string_view symbol) {
  return std::ranges::binary_search(kOpeners, symbol) || is_stream_opener(symbol);
}

bool is_c_library(std::string_view soname) {
  constexpr std::string_view kNames[] = {
      "libc.so.6",    "ld-linux-x86-64.so.2", "ld-linux.so.2",   "ld-linux-x32.so.2",
      "libc.so",      "libpthread.so.0",      "libdl.so.2",      "librt.so.1",
      "libutil.so.1", "libanl.so.1",          "linux-vdso.so.1", "linux-gate.so.1"};
  return std::ranges::find(kNames, soname) != std::end(kNames) ||
         soname.starts_with("libc.musl-") || soname.starts_with("ld-musl-");
}

}  // namespace fptrace::unwind
