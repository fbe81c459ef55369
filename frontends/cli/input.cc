#include "frontends/cli/input.h"

#include "common/event/tee_sink.h"
#include "common/log/log_reader.h"
#include "common/log/log_tracer.h"
#include "fingerprint/manifest_file.h"
#include "frontends/cli/log_source.h"

namespace fptrace::cli {
namespace {

Result<Input> read_log(const std::string& path, ManifestOptions options) {
  const auto tracer = make_log_tracer(path);
  if (!tracer) return fail(tracer.error());
  ManifestBuilder builder(std::move(options));
  if (auto ok = check_needs("manifest", builder.needs(), "log", (*tracer)->capabilities()); !ok) {
    return fail(ok.error());
  }
  Input out;
  if (const auto status = (*tracer)->run({}, builder); !status) out.incomplete = status.error();
  out.manifest = builder.finish();
  return out;
}

}  // namespace

Result<Input> read_input(const std::string& given, ManifestOptions options) {
  const auto source = LogSource::of(given, options.openers);
  if (!source) return fail(source.error());
  const std::string& path = source->path();
  const auto log = LogReader::open(path);
  if (log) return read_log(path, std::move(options));
  if (log.error().code == Errc::kUnsupported) return fail(log.error());  // by a newer version
  auto manifest = read_manifest(path);
  if (manifest) return Input{*std::move(manifest), {}};
  if (manifest.error().code != Errc::kParse || log.error().code != Errc::kParse) {
    return fail(manifest.error());
  }
  return fail(Errc::kParse, "neither a manifest (" + manifest.error().what +
                                ") nor an event log (" + log.error().what + ")");
}

Result<Manifest> read_whole_input(const std::string& path, ManifestOptions options) {
  auto input = read_input(path, std::move(options));
  if (!input) return fail(input.error());
  if (input->incomplete) return fail(*input->incomplete);
  return std::move(input->manifest);
}

}  // namespace fptrace::cli
