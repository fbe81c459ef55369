#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/elf/elf_identity.h"
#include "fingerprint/verify.h"

namespace fptrace {

// An ELF file of the root; owned by the LoaderView that gave it.
struct RootObject {
  std::string path;  // canonical, in the root
  ElfIdentity elf;
  bool secure = false;  // set-user-ID or set-group-ID: its loader ignores LD_LIBRARY_PATH
};
// One that a process has loaded.
struct LoadedObject {
  const RootObject* object = nullptr;
  std::string opened;  // the name it was opened by: $ORIGIN is its directory
};

// How the dynamic loader of a root sees its files.
class LoaderView {
 public:
  virtual ~LoaderView() = default;
  // nullptr: nothing there, or no ELF file.
  virtual const RootObject* at(const std::string& path) = 0;
  // The file that the loader takes for `name`, a DT_NEEDED of the last of `chain`; the first of it
  // is the program, each other one was needed by the one before. No object: it finds none.
  virtual LoadedObject search(const std::string& name, const std::vector<LoadedObject>& chain) = 0;
};

// "libc.so.6(GLIBC_2.34)(64bit)", "libc.so.6()(64bit)", "libc.so.6(GLIBC_2.0)", "libc.so.6".
struct Requirement {
  std::string_view library, version;  // version "": the library as such
  bool is_64 = false;
};
// Pure. Total: what has no parentheses is the name of a library.
Requirement parse_requirement(std::string_view text);

struct AbiReport {
  std::vector<Finding> findings;  // kNoLibrary and kUnmet; sorted, each once
  uint64_t objects = 0;
};

// For every program of the manifest that is in the root: loads it as its loader would, with what
// the run loaded later, and holds what each object requires against what the others provide.
// Reads nothing but through `loader`.
AbiReport check_abi(const Manifest& manifest, LoaderView& loader);

}  // namespace fptrace
