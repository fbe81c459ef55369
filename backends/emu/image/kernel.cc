#include "backends/emu/image/kernel.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "backends/emu/qemu/command.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;

// Small, with the drivers of virtual machines and BTF.
constexpr char kDefaultPackage[] = "linux-image-cloud-amd64";
constexpr char kNext[] = "; or name a kernel: fptrace image build --kernel VMLINUZ --modules DIR";

constexpr char kImagePrefix[] = "vmlinuz-";

// The modules of RELEASE are in one of these below `root`.
std::string modules_of(const std::string& root, const std::string& release) {
  for (const char* dir : {"/usr/lib/modules/", "/lib/modules/"}) {
    std::error_code error;
    std::string path = root + dir + release;
    if (fs::is_directory(path + "/kernel", error)) return path;
  }
  return {};
}

// The kernels below `root` (a directory, empty for this machine) that can be read and have their
// modules, the last one by name first.
std::vector<Kernel> kernels_below(const std::string& root) {
  std::vector<Kernel> found;
  std::error_code error;
  fs::directory_iterator files(root + "/boot", error), end;
  for (; !error && files != end; files.increment(error)) {
    const std::string name = files->path().filename();
    if (!name.starts_with(kImagePrefix) || ::access(files->path().c_str(), R_OK) != 0) continue;
    const std::string modules = modules_of(root, name.substr(sizeof kImagePrefix - 1));
    if (modules.empty()) continue;
    Kernel k{files->path(), modules, files->path()};
    const auto later = [&](const Kernel& other) { return other.image < k.image; };
    found.insert(std::find_if(found.begin(), found.end(), later), std::move(k));
  }
  return found;
}

Result<std::string> downloaded_file(const std::string& directory) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error))
    if (entry.path().extension() == ".deb") return entry.path().string();
  return fail(Errc::kIo, "apt-get downloaded nothing");
}

Result<Kernel> from_package(std::string package, const PrivateDirectory& work) {
  const auto depends = run_command({"apt-cache", "depends", package});
  if (!depends) return fail(depends.error());
  if (auto real = package_behind(*depends); !real.empty()) package = std::move(real);
  const std::string download = work.file("download"), root = work.file("package");
  std::error_code error;
  fs::create_directory(download, error);
  if (error) return fail_errno("make " + download, error.value());
  // Without its sandbox user, who may not write here.
  auto got =
      run_command({"apt-get", "-q", "-o", "APT::Sandbox::User=", "download", package}, download);
  if (!got) return fail(got.error());
  const auto file = downloaded_file(download);
  if (!file) return fail(file.error());
  auto unpacked = run_command({"dpkg-deb", "-x", *file, root});
  if (!unpacked) return fail(unpacked.error());
  auto kernels = kernels_below(root);
  if (kernels.empty())
    return fail(Errc::kUnsupported, "package " + package + " has no kernel in it");
  Kernel k = kernels.front();
  const auto version = run_command({"dpkg-deb", "-f", *file, "Version"});
  if (!version) return fail(version.error());
  k.origin = package + " " + version->substr(0, version->find('\n'));
  return k;
}

}  // namespace

std::string package_behind(std::string_view text) {
  constexpr std::string_view kDepends = "Depends: linux-image-";
  const size_t at = text.find(kDepends);
  if (at == text.npos) return {};
  text.remove_prefix(at + 9);
  return std::string(text.substr(0, text.find_first_of("\n \t")));
}

Result<Kernel> find_kernel(const KernelChoice& choice, const PrivateDirectory& work) {
  if (!choice.image.empty()) {
    for (const auto& path : {choice.image, choice.modules})
      if (::access(path.c_str(), R_OK) != 0) return fail_errno("read " + path);
    return Kernel{choice.image, choice.modules, choice.image};
  }
  auto packaged = from_package(choice.package.empty() ? kDefaultPackage : choice.package, work);
  if (packaged) return packaged;
  auto installed = choice.package.empty() ? kernels_below("") : std::vector<Kernel>();
  if (!installed.empty()) return std::move(installed.front());
  return fail(Errc::kUnsupported,
              "no kernel package: " + packaged.error().what +
                  (choice.package.empty() ? ", and /boot has no kernel that can "
                                            "be read and has its modules"
                                          : "") +
                  kNext);
}

}  // namespace fptrace::emu
