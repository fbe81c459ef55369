#include "frontends/cli/coverage_verb.h"

#include <filesystem>

#include "backends/emu/tracer/coverage_observer.h"
#include "common/base/text.h"
#include "fingerprint/manifest_file.h"

namespace fptrace::cli {
namespace {

namespace fs = std::filesystem;

// A name of a process may have any bytes.
std::string file_name(const emu::CoverageObserver::Process& process) {
  std::string out =
      std::to_string(process.key.pid) + "." + std::to_string(process.key.serial) + "-";
  for (const char c : process.name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '_' || c == '.' || c == '+';
    out += plain ? c : '_';
  }
  return out + ".drcov";
}

class CoverageVerb final : public Verb {
 public:
  explicit CoverageVerb(std::string directory) : directory_(std::move(directory)) {}

  emu::Observer& observer() override { return observer_; }
  bool prints() const override { return false; }

  // Into a directory beside it first: it is whole, or it is not there.
  Result<void> write(const Context& ctx) override {
    const std::string temporary = directory_ + ".new";
    std::error_code error;
    fs::create_directory(temporary, error);
    if (error) return fail_errno("create " + temporary, error.value());
    auto written = write_files(temporary);
    if (written) fs::rename(temporary, directory_, error);
    std::error_code ignored;
    if (!written || error) fs::remove_all(temporary, ignored);
    if (!written) return written;
    if (error) return fail_errno("rename to " + directory_, error.value());
    ctx.err << "fptrace: coverage of " << observer_.processes().size() << " processes written to "
            << printable(directory_) << '\n';
    if (observer_.left_out() > 0)
      ctx.err << "fptrace: warning: " << observer_.left_out()
              << " blocks of code are not in it: their module is not known\n";
    return {};
  }

 private:
  Result<void> write_files(const std::string& directory) const {
    for (const auto& process : observer_.processes())
      if (auto ok = write_whole_file(directory + "/" + file_name(process),
                                     emu::drcov_log(process.modules, process.blocks));
          !ok)
        return ok;
    return {};
  }

  std::string directory_;
  emu::CoverageObserver observer_;
};

}  // namespace

Result<std::unique_ptr<Verb>> coverage_verb(std::string directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.pop_back();
  std::error_code error;
  const auto status = fs::status(directory, error);
  if (fs::exists(status) && (!fs::is_directory(status) || !fs::is_empty(directory, error)))
    return fail(Errc::kIo, "--coverage: " + directory + " is there already; name a new directory");
  const fs::path parent = fs::absolute(directory, error).parent_path();
  if (!fs::is_directory(parent, error))
    return fail(Errc::kIo, "--coverage: there is no directory " + parent.string());
  return std::unique_ptr<Verb>(std::make_unique<CoverageVerb>(std::move(directory)));
}

}  // namespace fptrace::cli
