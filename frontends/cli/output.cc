#include "frontends/cli/output.h"

#include "fingerprint/manifest_file.h"

namespace fptrace::cli {

Result<void> write_output(const Context& ctx, const Arguments& args, std::string_view text) {
  const std::string path = args.value("output", "-");
  if (path != "-") return write_whole_file(path, text);
  ctx.out << text << std::flush;
  return ctx.out ? Result<void>() : fail(Errc::kIo, "cannot write to standard output");
}

}  // namespace fptrace::cli
