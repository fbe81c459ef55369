// fuzz-deps: fptrace::fingerprint
#include <cstdlib>

#include "fingerprint/abi_check.h"
#include "fingerprint/debian_version.h"
#include "fingerprint/diff.h"
#include "fingerprint/manifest_file.h"
#include "fingerprint/query.h"
#include "fingerprint/verify.h"

namespace {

// What `verify`, `query` and `diff` read besides manifests: total functions and one parser.
void read_text(std::string_view text) {
  using namespace fptrace;
  (void)installed_versions(text);
  const Requirement r = parse_requirement(text);
  if (r.library.size() + r.version.size() > text.size()) std::abort();
  const std::string_view half = text.substr(0, text.size() / 2), rest = text.substr(half.size());
  const auto forth = compare_debian_versions(half, rest),
             back = compare_debian_versions(rest, half);
  if ((forth < 0) != (back > 0) || compare_debian_versions(text, text) != 0) std::abort();
}

void use_manifest(const fptrace::Manifest& m) {
  using namespace fptrace;
  if (!diff(m, m).equal()) std::abort();
  (void)diff({}, m);
  Query all;
  for (const ManifestFile& f : m.files) {
    all.paths.push_back(f.path);
    ObservedFile here;  // nothing is there
    here.own.lost.error = ENOENT;
    here.as_used.resize(f.as_used.size(), here.own);
    (void)judge(f, here, VerifyMode::kContent);
    if (f.elf)
      all.symbols.insert(all.symbols.end(), f.elf->requires_.begin(), f.elf->requires_.end());
  }
  for (const QueryAnswer& a : query(m, all)) {
    if (!a.found()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  read_text(text);
  if (const auto m = fptrace::manifest_from_json(text)) use_manifest(*m);
  return 0;
}
