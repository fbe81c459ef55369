#include "frontends/cli/log_source.h"

#include "backends/emu/recording/bundle.h"
#include "backends/emu/tracer/emu_tracer.h"
#include "common/log/log_writer.h"
#include "frontends/cli/machine_session.h"

namespace fptrace::cli {
namespace {

Result<void> replay_to_log(const std::string& recording, const std::string& log, bool openers) {
  emu::Options options;
  options.replay = recording;
  options.openers = openers;
  options.output = [](emu::Stream, const char*, size_t) { return true; };
  auto tracer = emu::make_tracer(std::move(options));
  if (!tracer) return fail(tracer.error());
  auto writer = LogWriter::create(log, {.capabilities = (*tracer)->capabilities()});
  if (!writer) return fail(writer.error());
  const Interruption interruption;
  const auto status = (*tracer)->run({}, **writer, interruption.token());
  if (!status) return fail(status.error());
  return (*writer)->finish();
}

}  // namespace

Result<LogSource> LogSource::of(const std::string& path, bool openers) {
  LogSource source(path);
  if (!emu::is_bundle(path)) return source;
  auto directory = emu::PrivateDirectory::make(emu::temporary_directory());
  if (!directory) return fail(directory.error());
  source.directory_ = *std::move(directory);
  source.path_ = source.directory_.file("events.fplog");
  if (auto ok = replay_to_log(path, source.path_, openers); !ok) return fail(ok.error());
  return source;
}

}  // namespace fptrace::cli
