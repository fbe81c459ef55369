#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fingerprint/manifest.h"
#include "fingerprint/sbom/digest.h"
#include "fingerprint/sbom/package_facts.h"

// A software bill of materials of what a run used: its packages, their files that the run used,
// and which needs which. Neutral of format; the writers below know SPDX and CycloneDX.

namespace fptrace {

enum class ComponentKind { kApplication, kLibrary, kData };

struct SbomFile {
  const ManifestFile* file = nullptr;
  std::string id;            // unique in the document: letters, digits, "." and "-"
  std::optional<Sha1> sha1;  // none: the file is not what it was any more
};

struct SbomComponent {
  Package package;  // of the first component only the name
  std::string id;   // as SbomFile::id
  std::string purl;
  ComponentKind kind = ComponentKind::kData;
  PackageFacts facts;
  std::vector<size_t> files;       // indices into Sbom::files, ascending
  std::vector<size_t> depends_on;  // indices into Sbom::components, ascending
};

struct FileLink {
  size_t from = 0, to = 0;  // indices into Sbom::files: `from` is linked with `to`
};

struct Sbom {
  const Manifest* manifest = nullptr;
  uint64_t created = 0;  // seconds since the epoch
  std::string tool_version;
  std::vector<SbomFile> files;  // as in the manifest: regular files whose content was used
  // The first is the run itself, with the files that belong to no package; then by package.
  std::vector<SbomComponent> components;
  std::vector<FileLink> links;
};

// Where an SBOM takes what no manifest has.
class SbomSource {
 public:
  virtual ~SbomSource() = default;
  virtual std::optional<Sha1> sha1(const ManifestFile& file) = 0;
  virtual PackageFacts facts(const Package& package) = 0;
};

// This machine, as it is now.
class HostSbomSource : public SbomSource {
 public:
  std::optional<Sha1> sha1(const ManifestFile& file) override {
    return sha1_of_same_file("", file);
  }
  PackageFacts facts(const Package& package) override { return facts_.facts(package); }

 private:
  HostPackageFacts facts_{""};
};

// The manifest must outlive the result.
Sbom make_sbom(const Manifest& manifest, SbomSource& source, uint64_t created,
               std::string tool_version);

// SPDX 2.3 and CycloneDX 1.5, both JSON. Pure and deterministic; the identifiers of the documents
// are made from their content.
std::string to_spdx(const Sbom& sbom);
std::string to_cyclonedx(const Sbom& sbom);

}  // namespace fptrace
