#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "fingerprint/sbom/document.h"
#include "fingerprint/sbom/sbom.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/input.h"
#include "frontends/cli/output.h"

namespace fptrace::cli {
namespace {

constexpr Option kOptions[] = {
    {0, "format", "spdx|cyclonedx", "SPDX 2.3 JSON (default) or CycloneDX 1.5 JSON"},
    {'o', "output", "FILE", "where it goes (default: standard output)"},
};

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace sbom: " << what << '\n';
  return {kToolFailed};
}

// reproducible-builds.org/specs/source-date-epoch: whatever it says, or nothing at all is made.
Result<uint64_t> creation_time() {
  const char* text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return uint64_t(std::chrono::duration_cast<std::chrono::seconds>(now).count());
  }
  const auto seconds = parse_number(text, 0, int64_t(kLastSecond));
  if (!seconds) return fail(seconds.error().code, "SOURCE_DATE_EPOCH: " + seconds.error().what);
  return uint64_t(*seconds);
}

void warn(const Context& ctx, const Sbom& sbom) {
  const auto lost =
      std::ranges::count_if(sbom.files, [](const SbomFile& f) { return !f.sha1.has_value(); });
  if (lost == 0) return;
  ctx.err << "fptrace sbom: warning: " << lost << " of " << sbom.files.size()
          << " files could not be read as they were traced, and have no SHA-1\n";
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().size() != 1) {
    return usage_error(ctx, kSbom, "name one manifest or event log");
  }
  const std::string& path = args.operands()[0];
  if (args.has("output") && args.value("output") == path) {
    return usage_error(ctx, kSbom, "the SBOM would replace what it is made of");
  }
  const auto created = creation_time();
  if (!created) return failed(ctx, created.error().what);
  const auto input = read_input(path);
  if (!input) return failed(ctx, input.error().what);
  HostSbomSource host;
  const Sbom sbom = make_sbom(input->manifest, host, *created, FPTRACE_VERSION);
  const bool cyclonedx = args.value("format", "spdx") == "cyclonedx";
  const auto written = write_output(ctx, args, cyclonedx ? to_cyclonedx(sbom) : to_spdx(sbom));
  if (!written) return failed(ctx, written.error().what);
  warn(ctx, sbom);
  return input->incomplete ? failed(ctx, input->incomplete->what) : ExitStatus{};
}

}  // namespace

const Subcommand kSbom{"sbom",   "MANIFEST|LOG",         "write a software bill of materials",
                       kOptions, OperandRule::kAnywhere, run};

}  // namespace fptrace::cli
