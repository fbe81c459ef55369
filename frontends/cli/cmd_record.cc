#include <filesystem>
#include <span>

#include "common/base/text.h"
#include "fingerprint/manifest_file.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/machine_session.h"
#include "frontends/cli/replay_verbs.h"
#include "frontends/cli/results.h"
#include "frontends/cli/start_failure.h"
#include "frontends/cli/trace_session.h"

namespace fptrace::cli {
namespace {

constexpr int64_t kLongest = int64_t{365} * 24 * 3600;

constexpr Option kOwn[] = {
    {'o', "output", "FILE", "where the recording goes (default: fptrace.fpr)"},
    {0, "image", "NAME", "the guest to run in (default: default, built at need)"},
    {0, "manifest", "FILE", "take along what this manifest of an earlier trace lists"},
    {0, "include", "PATH", "take this file or directory along; may be repeated"},
    {0, "rootfs", "DIR|TAR", "the guest's whole root, instead of this host's files"},
    {0, "timeout", "SECONDS", "give up if the program has not ended by then"},
    {0, "live", "", "trace while recording; the options below say what is told"},
};
constexpr Option kManifestOutput[] = {
    {0, "manifest-output", "FILE",
     "where the manifest goes (default: fptrace.manifest.json, or .pb)"},
};
constexpr auto kOptions = join(kOwn, kManifestOutput, kManifestShape, kResultOptions, kVerbOptions,
                               kHashOptions, kGuestOptions);

ExitStatus failed(const Context& ctx, const std::string& what) {
  ctx.err << "fptrace record: " << printable(what) << '\n';
  return {kToolFailed};
}

ExitStatus not_run(const Context& ctx, const Arguments& args, const Error& error) {
  if (error.code != Errc::kTracee || error.sys == 0) return failed(ctx, error.what);
  return not_started(ctx, args, args.operands()[0], error);
}

Result<emu::RecordRequest> request_of(const Context& ctx, const Arguments& args) {
  emu::RecordRequest request;
  request.argv = args.operands();
  request.image = args.value("image", request.image);
  if (args.has("manifest")) request.manifest = args.value("manifest");
  request.include = args.values("include");
  if (args.has("rootfs")) {
    if (request.manifest || !request.include.empty())
      return fail(Errc::kParse,
                  "--rootfs has all files: --manifest and --include do not go with it");
    std::error_code error;
    request.rootfs = std::filesystem::canonical(args.value("rootfs"), error);
    if (error) return fail_errno("--rootfs " + args.value("rootfs"), error.value());
  }
  if (args.has("timeout")) {
    const auto seconds = parse_number(args.value("timeout"), 1, kLongest);
    if (!seconds) return fail(Errc::kParse, "--timeout: " + seconds.error().what);
    request.timeout = std::chrono::seconds(*seconds);
  }
  request.progress = [&ctx](const std::string& line) {
    ctx.err << "fptrace: building the guest image: " << printable(line) << std::endl;
  };
  request.warn = [&ctx](const std::string& sentence) {
    ctx.err << "fptrace: warning: " << printable(sentence) << '\n';
  };
  return request;
}

void say_where(const Context& ctx, const std::string& recording) {
  ctx.err << "fptrace: recorded to " << printable(recording) << '\n';
}

ExitStatus only_record(const Context& ctx, const Arguments& args, const emu::RecordRequest& request,
                       const std::string& output) {
  const Interruption interruption;
  auto recording = emu::prepare_recording(request);
  if (!recording) return not_run(ctx, args, recording.error());
  const auto status = (*recording)->serve(pass_through, interruption.token());
  if (!status && interruption.signal() != 0) return {0, interruption.signal()};
  if (!status) return not_run(ctx, args, status.error());
  if (auto ok = (*recording)->save(output); !ok) return failed(ctx, ok.error().what);
  say_where(ctx, output);
  return *status;
}

ExitStatus trace_live(const Context& ctx, const Arguments& args, const emu::RecordRequest& request,
                      const std::string& output) {
  auto verbs = make_verbs(ctx, args);
  if (!verbs) return not_begun(ctx, kRecord, verbs.error());
  const auto make = [&](TracerRequest how) {
    return make_recorder(args, output, request, std::move(how), watching(*verbs, true));
  };
  return trace(ctx, kRecord, args, args.operands(), {.named_by = "manifest-output"}, make, [&] {
    say_where(ctx, output);
    return write(ctx, kRecord, *verbs);
  });
}

Result<void> check_results(const Arguments& args, const std::string& output) {
  const auto only_live = std::span(kOptions).subspan(std::size(kOwn));
  for (const Option& o : only_live)
    if (args.has(o.name) && !args.has("live"))
      return fail(Errc::kParse, "--" + std::string(o.name) + " needs --live");
  for (const char* option : {"manifest-output", "log"})
    if (args.value(option) == output)
      return fail(Errc::kParse, "--" + std::string(option) + " and the recording are one file");
  return {};
}

ExitStatus run(const Context& ctx, const Arguments& args) {
  if (args.operands().empty()) return usage_error(ctx, kRecord, "no program to record");
  auto request = request_of(ctx, args);
  if (!request) return not_begun(ctx, kRecord, request.error());
  const std::string output = args.value("output", "fptrace.fpr");
  if (auto ok = check_results(args, output); !ok) return not_begun(ctx, kRecord, ok.error());
  if (auto ok = check_writable(output); !ok) return not_begun(ctx, kRecord, ok.error());
  return args.has("live") ? trace_live(ctx, args, *request, output)
                          : only_record(ctx, args, *request, output);
}

}  // namespace

const Subcommand kRecord{
    "record", "[--] PROGRAM [ARG]...", "run a program in a virtual machine and keep all of it",
    kOptions, OperandRule::kProgram,   run};

}  // namespace fptrace::cli
