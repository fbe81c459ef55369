// fuzz-deps: fptrace::pack
#include <cstdlib>
#include <set>

#include "fingerprint/manifest_file.h"
#include "fingerprint/pack/command.h"
#include "fingerprint/pack/globs.h"
#include "fingerprint/pack/plan.h"
#include "fingerprint/pack/secrets.h"

// A hostile manifest gives an error or a plan in which every path lies within the package and has
// its directory before it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace fptrace;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const size_t cut = text.find('\n'); cut != text.npos && cut < 100)
    (void)pack::glob_matches(text.substr(0, cut), text.substr(cut + 1));
  (void)pack::is_private_key(text);
  const auto manifest = manifest_from_json(text);
  if (!manifest) return 0;
  pack::PlanOptions options;
  options.root = "/proc/self/fdinfo";  // nothing that a manifest could name
  const auto plan = pack::make_plan(*manifest, options);
  if (!plan) return 0;
  std::set<std::string> directories;
  for (const pack::PackEntry& e : plan->entries) {
    const std::string above = e.path.substr(0, e.path.rfind('/'));
    if (e.path.find("/../") != e.path.npos || e.path[0] != '/') std::abort();
    if (e.path != "/" && !directories.contains(above.empty() ? "/" : above)) std::abort();
    if (e.type == FileType::kDirectory) directories.insert(e.path);
  }
  std::vector<pack::Note> notes;
  (void)pack::run_script(pack::command_of(*manifest, false, notes));
  return 0;
}
