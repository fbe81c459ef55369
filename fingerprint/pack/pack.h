#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "fingerprint/manifest.h"
#include "fingerprint/pack/plan.h"
#include "fingerprint/pack/sink.h"

// From a manifest to something that runs elsewhere. Needs neither root nor a container engine.
namespace fptrace::pack {

enum class Format {
  kDir,         // run, rootfs/, fptrace.manifest.json
  kTarZst,      // the same below one directory, as a tar archive compressed with zstd
  kOci,         // an OCI image layout
  kDockerfile,  // a Dockerfile that installs the packages, and an archive of what nobody owns
  kDeb,         // a Debian package that depends on the packages and carries what nobody owns
};

struct PackOptions {
  Format format = Format::kDir;
  PlanOptions plan;
  std::optional<Compression> compression;  // of kOci's layer; gzip when not given
  bool keep_secrets = false;               // in environment variables
  bool force = false;                      // replace what is there
  std::string name;                        // kDeb: of the package; empty: from the program's
  std::string version = "1.0";             // kDeb: of the package
  std::string maintainer;                  // kDeb: "NAME <ADDRESS>"
};

// For whoever watches. Both may be null.
struct PackProgress {
  std::function<void(uint64_t total)> planned;  // bytes of content
  std::function<void(uint64_t done)> done;
};

struct PackReport {
  uint64_t files = 0;  // regular ones
  uint64_t bytes = 0;  // of their content
  std::string digest;  // kOci: of the image's manifest
  std::vector<Note> notes;
};

// Makes `out` as a whole or leaves nothing. When `stop` is requested it gives up with an error.
Result<PackReport> pack(const Manifest& manifest, const std::string& out,
                        const PackOptions& options, const PackProgress& progress = {},
                        std::stop_token stop = {});

}  // namespace fptrace::pack
