#include "tests/support/scratch.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace fptrace::testing {
namespace fs = std::filesystem;
namespace {

Result<void> from_code(const std::string& what, const std::error_code& code) {
  if (!code) return {};
  return fail_errno(what, code.value());
}

Result<void> make_one(const SetUpStep& step, const std::string& path) {
  using Kind = SetUpStep::Kind;
  std::error_code code;
  fs::create_directories(fs::path(path).parent_path(), code);
  if (code) return from_code("make the directory of " + path, code);
  switch (step.kind) {
    case Kind::kFile:
      return write_file(path, step.value);
    case Kind::kDir:
      fs::create_directories(path, code);
      return from_code("mkdir " + path, code);
    case Kind::kCopy:
      fs::copy_file(step.value, path, code);
      return from_code("copy " + step.value + " to " + path, code);
    case Kind::kLink:
      if (::symlink(step.value.c_str(), path.c_str()) != 0) return fail_errno("symlink " + path);
      return {};
    case Kind::kHardLink: {
      const std::string target = fs::path(path).parent_path() / step.value;
      if (::link(target.c_str(), path.c_str()) != 0) return fail_errno("link " + path);
      return {};
    }
  }
  return fail(Errc::kIo, "no such step");
}

Result<void> give_to(const std::string& user, const std::string& top) {
  const struct passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return fail(Errc::kUnsupported, "no user " + user);
  std::error_code code;
  for (const auto& item : fs::recursive_directory_iterator(top, code)) {
    // chown would take the bit away, and on the user's own file it would mean nothing.
    if ((item.symlink_status().permissions() & fs::perms::set_uid) != fs::perms::none) continue;
    if (::lchown(item.path().c_str(), entry->pw_uid, entry->pw_gid) != 0) {
      return fail_errno("chown " + item.path().string());
    }
  }
  if (::chown(top.c_str(), entry->pw_uid, entry->pw_gid) != 0) return fail_errno("chown " + top);
  return from_code("list " + top, code);
}

}  // namespace

Result<Scratch> Scratch::make() {
  std::error_code code;
  std::string top = fs::canonical(fs::temp_directory_path(code), code).string() + "/fptrace.XXXXXX";
  if (code || ::mkdtemp(top.data()) == nullptr) return fail_errno("make " + top);
  // Programs that give up root must still get in.
  if (::chmod(top.c_str(), 0755) != 0) return fail_errno("chmod " + top);
  return Scratch(std::move(top));
}

Scratch::~Scratch() {
  std::error_code ignored;  // a directory that cannot be removed must not fail the test
  if (!top_.empty() && !keep_) fs::remove_all(top_, ignored);
}

Result<void> Scratch::set_up(const Expectation& expectation) const {
  std::error_code code;
  for (const auto& dir : {work(), results()}) {
    fs::remove_all(dir, code);
    if (!code) fs::create_directory(dir, code);
    if (code) return from_code("empty " + dir, code);
  }
  if (::chmod(results().c_str(), 0777) != 0) return fail_errno("chmod " + results());
  for (const auto& step : expectation.set_up) {
    const std::string path = work() + "/" + step.name;
    if (auto ok = make_one(step, path); !ok) return ok;
    if (step.mode != 0 && ::chmod(path.c_str(), step.mode) != 0) {
      return fail_errno("chmod " + path);
    }
  }
  return expectation.user.empty() ? Result<void>{} : give_to(expectation.user, work());
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(Errc::kIo, "cannot read " + path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<void> write_file(const std::string& path, const std::string& content) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << content << std::flush;
  if (!out) return fail(Errc::kIo, "cannot write " + path);
  return {};
}

}  // namespace fptrace::testing
