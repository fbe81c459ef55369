#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "common/event/tracer.h"
#include "fingerprint/manifest.h"

namespace fptrace {

struct ManifestOptions {
  bool with_processes = false;
  bool with_times = false;
  bool with_temporaries = false;
  bool keep_secrets = false;  // environment values whose name looks like a secret's
  bool packages = true;       // look up owners of files
  bool openers = false;       // refuse a trace without openers; they are in the manifest anyway
  bool elf = true;            // read executables and libraries (soname, versions, linkage)
  // Where the files of the trace are looked up: "" is this host. A file that is no longer the one
  // that was traced (device, inode, size, mtime) is left without ELF identity. With a root other
  // than "", device and inode are not compared.
  std::string root;
};

// Figures for the summary that a deterministic manifest does not carry.
struct RunStats {
  uint64_t events = 0;
  uint64_t processes = 0;
  uint64_t execs = 0;
  uint64_t duration_ns = 0;
  uint64_t temporaries = 0;
  std::map<std::string, uint64_t> programs;  // path of the program -> times it was run
};

// Makes a manifest of a trace, live or stored. Reads nothing while events come in.
class ManifestBuilder : public Analysis {
 public:
  explicit ManifestBuilder(ManifestOptions options = {});
  ~ManifestBuilder() override;
  Cap needs() const override;
  Result<void> on_event(const Event& event) override;

  // Call after the last event. Reads executables, libraries and the package database.
  Manifest finish();
  RunStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fptrace
