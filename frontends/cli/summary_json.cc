#include "frontends/cli/summary_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fptrace::cli {

std::string summary_json(const Manifest& manifest, const RunStats& stats,
                         const std::string& manifest_path, const std::string& log_path) {
  nlohmann::ordered_json j;
  const auto path_or_null = [](const std::string& path) {
    return path.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(path);
  };
  j["manifest"] = path_or_null(manifest_path);
  j["log"] = path_or_null(log_path);
  if (!manifest.exit) {
    j["exit"] = nullptr;
  } else if (manifest.exit->signal != 0) {
    j["exit"]["signal"] = manifest.exit->signal;
  } else {
    j["exit"]["code"] = manifest.exit->code;
  }
  j["events"] = stats.events;
  j["processes"] = stats.processes;
  j["execs"] = stats.execs;
  j["duration_ns"] = stats.duration_ns;
  j["programs"] = stats.programs.size();
  j["libraries"] = std::ranges::count_if(
      manifest.files, [](const ManifestFile& f) { return f.roles.has(Role::kLibrary); });
  j["files"] = manifest.files.size();
  j["missing"] = manifest.missing.size();
  j["outputs"] = manifest.outputs.size();
  j["temporaries"] = stats.temporaries;
  j["packages"] = manifest.packages.size();
  j["complete"] = manifest.complete;
  uint64_t undecoded = 0;
  for (const auto& u : manifest.undecoded) undecoded += u.count;
  j["undecoded"] = undecoded;
  // Paths need not be UTF-8; JSON must be.
  return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace fptrace::cli
