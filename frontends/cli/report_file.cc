#include "frontends/cli/report_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>

#include "common/base/unique_fd.h"

namespace fptrace::cli {

ReportFile::~ReportFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<void> ReportFile::open() {
  if (path_.empty() || file_.is_open()) return {};
  std::string name = path_ + ".XXXXXX";
  const UniqueFd made(::mkostemp(name.data(), O_CLOEXEC));
  if (!made) return fail_errno("create " + path_);
  temporary_ = std::move(name);
  file_.open(temporary_);
  return file_ ? Result<void>() : fail_errno("open " + temporary_);
}

Result<void> ReportFile::add(const Context& ctx, std::string_view piece) {
  if (auto ok = open(); !ok) return ok;
  std::ostream& out = path_.empty() ? ctx.out : file_;
  out << piece;
  return out ? Result<void>()
             : fail(Errc::kIo, "writing " + (path_.empty() ? "the output" : path_) + " failed");
}

Result<void> ReportFile::finish(const Context& ctx) {
  if (auto ok = add(ctx, {}); !ok) return ok;
  (path_.empty() ? ctx.out : file_).flush();
  if (!(path_.empty() ? ctx.out : file_))
    return fail(Errc::kIo, "writing " + (path_.empty() ? "the output" : path_) + " failed");
  if (path_.empty()) return {};
  if (::rename(temporary_.c_str(), path_.c_str()) < 0) return fail_errno("rename to " + path_);
  temporary_.clear();
  return {};
}

}  // namespace fptrace::cli
