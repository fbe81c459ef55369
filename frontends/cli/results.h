#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/event/tee_sink.h"
#include "common/log/log_writer.h"
#include "fingerprint/builder.h"
#include "fingerprint/manifest_file.h"
#include "frontends/cli/subcommand.h"

namespace fptrace::cli {

// Options that say what becomes of a trace. The last ones shape a manifest.
inline constexpr Option kResultOptions[] = {
    {'l', "log", "FILE", "write every event to this event log (FILE.fplog)"},
    {0, "no-manifest", "", "write no manifest"},
    {0, "json", "", "summary as one line of JSON, the last on standard error"},
    {0, "progress", "", "count events and processes on the terminal while running"},
    {'q', "quiet", "", "no summary; warnings and errors only"},
};
inline constexpr Option kManifestFile[] = {
    {'o', "output", "FILE", "where the manifest goes (default: fptrace.manifest.json, or .pb)"},
};
inline constexpr Option kManifestShape[] = {
    {0, "format", "json|pb", "JSON (default) or protobuf"},
    {0, "with-processes", "", "list the processes, with their pids"},
    {0, "with-times", "", "add times"},
    {0, "with-temporaries", "", "list files that were made and removed again"},
    {0, "openers", "", "tell which object (program or library) opened each file; slower"},
    {0, "keep-secrets", "", "keep the values of environment variables named like secrets"},
};
inline constexpr auto kManifestOptions = join(kManifestFile, kManifestShape);

// kManifestShape, for ManifestBuilder.
ManifestOptions manifest_options(const Arguments& args);
ManifestFormat manifest_format(const Arguments& args);

// When a manifest is written.
enum class Manifests {
  kAlways,   // unless --no-manifest
  kIfNamed,  // when its file is
  kNone,     // nor a summary
};

struct WantedManifest {
  Manifests when = Manifests::kAlways;
  std::string_view named_by = "output";  // the option
};

// What a trace is turned into: a manifest, an event log, a summary; each of them optional. Output
// files are opened or checked before the program starts, so that it does not run in vain.
class Results {
 public:
  // `has` is what `backend` can report. kParse: the options contradict each other; kUnsupported:
  // the backend cannot feed what is asked for; anything else: an output cannot be written.
  static Result<std::unique_ptr<Results>> prepare(const Context& ctx, const Arguments& args,
                                                  const std::string& backend, Cap has,
                                                  const WantedManifest& manifest);

  EventSink& sink() { return tee_; }
  // Leaves no file behind: the program was never started.
  void discard();
  // Writes what is to be written and says so. False when some of it was lost.
  bool finish();
  // For a trace that failed with `error`: saves the log so far, writes no manifest. Says why.
  void abandon(const Error& error);

 private:
  Results(const Context& ctx, const Arguments& args, const WantedManifest& manifest);
  bool close_log();
  bool write_manifest(const Manifest& manifest);

  const Context* ctx_;
  bool quiet_, json_;
  std::string manifest_path_;  // empty: none is wanted
  ManifestFormat format_;
  std::unique_ptr<ManifestBuilder> builder_;  // null: neither manifest nor summary is wanted
  std::string log_path_;
  std::unique_ptr<LogWriter> log_;
  TeeSink tee_;
};

}  // namespace fptrace::cli
