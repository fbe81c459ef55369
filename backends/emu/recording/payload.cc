#include "backends/emu/recording/payload.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <set>
#include <system_error>

#include "backends/emu/recording/collection.h"
#include "backends/emu/recording/forecast.h"
#include "common/path/program_search.h"
#include "fingerprint/closure/static_closure.h"
#include "fingerprint/manifest_file.h"
#include "fingerprint/pack/plan.h"
#include "fingerprint/packages/dpkg_files.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;

// What the C library reads on its own account in almost every program, and places that every
// program takes for granted.
constexpr const char* kCommonFiles[] = {
    "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/hosts", "/etc/host.conf",
    "/etc/services", "/etc/protocols", "/etc/localtime", "/etc/ld.so.cache", "/etc/os-release",
    "/etc/gai.conf", "/etc/inputrc",
    // Of a C library that speaks another character set.
    "/usr/share/locale/locale.alias", "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache",
    "/usr/lib64/gconv/gconv-modules.cache"};
// Of file-hierarchy(7) and hier(7), and links that distributions have had for long: a name that is
// not there is looked for all the same, and where that search ends is part of what a program does.
constexpr const char* kCommonDirectories[] = {
    // The root's.
    "/bin", "/boot", "/etc", "/home", "/lib", "/lib64", "/media", "/mnt", "/opt", "/root", "/run",
    "/sbin", "/srv", "/tmp",
    // The distribution's.
    "/usr/bin", "/usr/games", "/usr/include", "/usr/lib", "/usr/libexec", "/usr/sbin", "/usr/share",
    "/usr/src", "/usr/tmp",
    // What is installed by hand.
    "/usr/local/bin", "/usr/local/etc", "/usr/local/include", "/usr/local/lib", "/usr/local/sbin",
    "/usr/local/share",
    // What changes.
    "/var/cache", "/var/lib", "/var/lock", "/var/log", "/var/mail", "/var/opt", "/var/run",
    "/var/spool", "/var/tmp"};
constexpr const char* kCommonTrees[] = {"/usr/lib/locale/C.utf8", "/lib/terminfo", "/etc/terminfo"};
// A working directory that somebody made to work in is not one of these, nor that large.
constexpr const char* kSharedDirectories[] = {"/",    "/tmp", "/var/tmp", "/home", "/root",
                                              "/etc", "/usr", "/usr/bin", "/var",  "/run",
                                              "/opt", "/srv", "/mnt",     "/media"};
constexpr Collection::Limit kWorkingDirectory{4000, uint64_t{256} << 20};
constexpr uintmax_t kLargestSetting = 1 << 20;
// Where libraries and interpreters look for what is another package's.
constexpr const char* kCommonPlaces[] = {"/usr/lib/ssl", "/etc/ssl", "/etc/perl"};
constexpr const char* kPythonModules = "/usr/lib/python3/dist-packages";
constexpr Collection::Limit kNamedDirectory{2000, uint64_t{256} << 20};
constexpr Collection::Limit kPrivateDirectory{2000, uint64_t{128} << 20};
constexpr size_t kMostPackagesInPrivate = 50;
constexpr size_t kMostPackageFiles = 20000;
constexpr uint64_t kMostPackageBytes = uint64_t{1} << 30;

// `path` as seen from `cwd`.
std::string absolute(const std::string& path, const std::string& cwd) {
  return path.starts_with('/') ? path : cwd + "/" + path;
}

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** e = environ; *e != nullptr; ++e) all.emplace_back(*e);
  return all;
}

std::string home_directory() {
  const char* home = std::getenv("HOME");
  return home != nullptr && *home == '/' ? home : "";
}

// Whether programs speak another language than English here.
bool messages_are_translated() {
  for (const char* name : {"LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale = value;
    return locale != "POSIX" && locale != "C" && !locale.starts_with("C.");
  }
  return false;
}

// Where many things are installed side by side.
bool is_shared(const fs::path& prefix) {
  return prefix == "/" || prefix == "/usr" || prefix == "/usr/local" ||
         prefix == home_directory() || prefix == home_directory() + "/.local";
}

std::string canonical(const std::string& path) {
  std::error_code error;
  return fs::canonical(path, error).string();
}

uint64_t bytes_of(const std::vector<std::string>& paths) {
  uint64_t bytes = 0;
  for (const auto& path : paths) {
    struct stat st {};
    if (::lstat(path.c_str(), &st) == 0 && S_ISREG(st.st_mode)) bytes += uint64_t(st.st_size);
  }
  return bytes;
}

void for_each_directory(const fs::path& parent, const std::function<void(const fs::path&)>& call) {
  std::error_code error, gone;
  for (fs::directory_iterator entries(parent, error), end; !error && entries != end;
       entries.increment(error))
    if (entries->is_directory(gone)) call(entries->path());
}

// Hundreds of files that packages of almost all programs depend on, and few programs use.
bool is_seldom_used(const std::string& path) {
  return path.ends_with("/gconv") || path.find("/gconv/") != path.npos ||
         (path.starts_with("/usr/share/locale/") && !messages_are_translated());
}

class Payload {
 public:
  explicit Payload(const PayloadRequest& request) : request_(request), files_(request.warn) {}

  Result<std::vector<DiskRange>> write(const std::string& path) {
    if (auto ok = collect(); !ok) return fail(ok.error());
    return files_.write(path);
  }

 private:
  void warn(const std::string& sentence) const {
    if (request_.warn) request_.warn(sentence);
  }

  Result<void> collect() {
    add_common();
    for (const auto& include : request_.include)
      if (!files_.add_tree(absolute(include, request_.cwd)))
        return fail_errno("--include " + include, ENOENT);
    if (request_.manifest) {
      const auto manifest = read_manifest(*request_.manifest);
      if (!manifest) return fail(manifest.error());
      if (auto ok = add(*manifest); !ok) return ok;
      return add_closure({}, files_.programs());
    }
    return foresee();
  }

  Result<void> foresee() {
    add_working_directory();
    const std::string program = absolute(request_.program, request_.cwd);
    const Forecast forecast =
        make_forecast({program, request_.argv, request_.cwd, search_path(), environment()});
    for (const auto* list : {&forecast.programs, &forecast.mentioned, &forecast.files})
      for (const auto& path : *list) files_.add(path);
    for (const auto& path : forecast.places) files_.add(path);
    for (const auto& path : forecast.directories) (void)files_.add_tree(path, kNamedDirectory);
    for (const auto& path : forecast.homes)
      if (!is_seldom_used(path + "/")) (void)files_.add_tree(path, kPrivateDirectory);
    std::vector<std::string> possible = files_.programs();
    for (const auto* list : {&forecast.programs, &forecast.mentioned, &forecast.files})
      possible.insert(possible.end(), list->begin(), list->end());
    if (auto ok = add_closure({program}, possible); !ok) return ok;
    std::vector<std::string> started = forecast.programs;
    started.push_back(program);
    const size_t known = files_.programs().size();
    add_what_belongs_to(started);
    const auto& all = files_.programs();
    return add_closure({}, {all.begin() + ptrdiff_t(known), all.end()});
  }

  void add_common() {
    for (const char* path : kCommonDirectories) files_.add(path);
    if (const std::string home = home_directory(); !home.empty()) files_.add(home);
    files_.add(request_.cwd);
    files_.add(absolute(request_.program, request_.cwd));
    if (!request_.input_file.empty()) files_.add(request_.input_file);
    for (const char* path : kMountPoints) files_.add_mount_point(path);
    if (request_.manifest) return;
    for (const char* path : kCommonFiles) files_.add(path);
    add_settings();
    for (const char* path : kCommonPlaces) files_.add_files_in(path);
    for (const char* path : kCommonTrees) (void)files_.add_tree(path, kPrivateDirectory);
  }

  // What programs keep in a home directory: .gitconfig, .bashrc.
  void add_settings() {
    std::error_code error;
    fs::directory_iterator entries(home_directory(), error), end;
    for (; !error && entries != end; entries.increment(error)) {
      std::error_code gone;
      if (entries->path().filename().string().starts_with('.') && entries->is_regular_file(gone) &&
          entries->file_size(gone) <= kLargestSetting && !gone)
        files_.add(entries->path());
    }
  }

  void add_working_directory() {
    const auto is_cwd = [this](const std::string& path) { return path == request_.cwd; };
    if (std::ranges::any_of(kSharedDirectories, is_cwd) || is_cwd(home_directory())) return;
    if (!files_.add_tree(request_.cwd, kWorkingDirectory))
      warn(request_.cwd + " has too many files to be taken along (more than " +
           std::to_string(kWorkingDirectory.files) + ", or " +
           std::to_string(kWorkingDirectory.bytes >> 20) +
           " MB); name those that the program needs with --include");
  }

  // Of programs, and of files that may be some: what they need to start.
  Result<void> add_closure(const std::vector<std::string>& programs,
                           const std::vector<std::string>& possible) {
    if (programs.empty() && possible.empty()) return {};
    StaticOptions options;
    options.files = programs;
    options.possible = possible;
    options.packages = false;
    if (const char* path = std::getenv("LD_LIBRARY_PATH")) options.library_path = path;
    auto closure = make_static_closure(options);
    if (!closure) {
      const Error& e = closure.error();
      return fail(Errc::kTracee, "cannot run " + request_.program + ": " + e.what,
                  e.sys != 0 ? e.sys : ENOEXEC);
    }
    for (const auto& sentence : closure->warnings) warn(sentence);
    return add(closure->manifest);
  }

  Result<void> add(const Manifest& manifest) {
    pack::PlanOptions options;
    options.rules = {{true, "**"}};  // nothing is a secret from one's own guest
    options.keep_owner = options.keep_times = true;
    auto plan = pack::make_plan(manifest, options);
    if (!plan) return fail(plan.error());
    for (auto& e : plan->entries) files_.add_planned(std::move(e));
    return {};
  }

  void add_what_belongs_to(const std::vector<std::string>& programs) {
    std::set<std::string> real, packages;
    for (const auto& path : programs) real.insert(canonical(path));
    const auto owners = dpkg_packages_of(RootDir(""), real);
    for (const auto& [path, names] : owners) packages.insert(names.begin(), names.end());
    add_packages(packages);
    for (const auto& named : programs) {
      if (fs::path(named).filename().string().starts_with("python"))
        (void)files_.add_tree(kPythonModules, {kMostPackageFiles, kMostPackageBytes});
      if (owners.contains(canonical(named))) continue;
      add_prefix(named);
      add_prefix(canonical(named));
    }
  }

  // What else belongs to these programs: modules of an interpreter, the parts of a compiler.
  void add_packages(const std::set<std::string>& names) {
    std::vector<std::string> paths;
    for (const bool recommended : {true, false}) {
      paths = dpkg_files_with_dependencies(RootDir(""), names, recommended);
      std::erase_if(paths, is_seldom_used);
      const uint64_t bytes = bytes_of(paths);
      if (paths.size() <= kMostPackageFiles && bytes <= kMostPackageBytes) break;
      if (!recommended)
        return warn("the packages of the program are too large to be taken along (" +
                    std::to_string(paths.size()) + " files, " + std::to_string(bytes >> 20) +
                    " MB); name what it needs with --include");
    }
    for (const auto& path : paths) files_.add(path);
    add_private_directories(paths);
  }

  // A program that no package has brought lies in /opt/tool/bin, or in a Python of one's own, with
  // what belongs to it beside that directory.
  void add_prefix(const std::string& program) {
    const fs::path directory = fs::path(program).parent_path();
    if (directory.filename() != "bin") return;
    const fs::path prefix = directory.parent_path();
    for (const char* part : {"lib", "libexec", "share"})
      if (is_shared(prefix)) {
        add_namesakes(prefix / part, program);
      } else {
        add_pieces(prefix / part, 2);
      }
  }

  // A directory that is too large without those in it, so far down, that are too large themselves:
  // of such a one nothing, as half of it may be worse.
  void add_pieces(const std::string& directory, int depth) {
    if (files_.add_tree(directory, kNamedDirectory)) return;
    files_.add(directory);
    if (depth == 0) return;
    files_.add_files_in(directory);
    for_each_directory(directory, [&](const fs::path& one) { add_pieces(one, depth - 1); });
  }

  // /usr/local/lib/python3.11 of /usr/local/bin/python3.
  void add_namesakes(const std::string& directory, const std::string& program) {
    const std::string name = fs::path(program).filename();
    const std::string stem = name.substr(0, name.find_first_of("0123456789.-"));
    if (stem.empty()) return;
    for_each_directory(directory, [&](const fs::path& one) {
      if (one.filename().string().starts_with(stem)) add_pieces(one, 1);
    });
  }

  // What nobody but these packages, or few others, has a directory for: what was generated there
  // belongs to them, too (byte code), and so does what packages of the same kind add (modules).
  void add_private_directories(const std::vector<std::string>& paths) {
    std::vector<std::string> directories;
    for (const auto& path : paths) {
      struct stat st {};
      const bool parts = path.starts_with("/usr/lib/") || path.starts_with("/usr/libexec/");
      if (parts && ::lstat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
        directories.push_back(path);
    }
    std::string whole = "\n";  // of the last one that was taken with all below it: in order
    for (const auto& path :
         dpkg_private_directories(RootDir(""), directories, kMostPackagesInPrivate)) {
      if (path.starts_with(whole)) continue;
      const std::string local = "/usr/local" + path.substr(std::string_view("/usr").size());
      (void)files_.add_tree(local, kPrivateDirectory);
      if (files_.add_tree(path, kPrivateDirectory)) {
        whole = path + "/";
      } else {
        files_.add_files_in(path);
      }
    }
  }

  const PayloadRequest& request_;
  Collection files_;
};

}  // namespace

Result<std::vector<DiskRange>> write_payload(const std::string& path,
                                             const PayloadRequest& request) {
  return Payload(request).write(path);
}

}  // namespace fptrace::emu
