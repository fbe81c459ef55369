#include "frontends/cli/manifest_input.h"

#include <array>
#include <fstream>

#include "common/event/tee_sink.h"
#include "common/log/frame.h"
#include "common/log/log_tracer.h"
#include "fingerprint/builder.h"
#include "fingerprint/manifest_file.h"

namespace fptrace::cli {
namespace {

bool is_log(const std::string& path) {
  std::array<char, log_detail::kFileMagic.size()> head{};
  std::ifstream in(path, std::ios::binary);
  in.read(head.data(), std::streamsize(head.size()));
  return in && std::string_view(head.data(), head.size()) == log_detail::kFileMagic;
}

Result<Manifest> manifest_of_log(const std::string& path) {
  const auto tracer = make_log_tracer(path);
  if (!tracer) return fail(tracer.error());
  ManifestOptions options;
  options.with_processes = true;
  ManifestBuilder builder(options);
  if (auto ok = check_needs("manifest", builder.needs(), "log", (*tracer)->capabilities()); !ok) {
    return fail(ok.error());
  }
  if (const auto status = (*tracer)->run({}, builder); !status) return fail(status.error());
  return builder.finish();
}

}  // namespace

Result<Manifest> manifest_from_file(const std::string& path) {
  return is_log(path) ? manifest_of_log(path) : read_manifest(path);
}

}  // namespace fptrace::cli
