#include <openssl/sha.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "backends/emu/guest/init_bytes.h"
#include "backends/emu/image/image.h"
#include "backends/emu/image/kernel_modules.h"
#include "common/base/text.h"
#include "common/content/sha256.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;

Result<Image> read_image(const fs::path& directory) {
  std::ifstream file(directory / "image.json");
  std::stringstream text;
  text << file.rdbuf();
  if (!file) return fail(Errc::kIo, "read " + (directory / "image.json").string());
  auto image = parse_image(text.str());
  if (image) image->directory = directory;
  return image;
}

bool newer(const Image& a, const Image& b) {
  std::error_code error;
  return fs::last_write_time(a.directory, error) > fs::last_write_time(b.directory, error);
}

}  // namespace

Result<std::string> image_store() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  std::string path;
  if (cache != nullptr && *cache == '/') {
    path = cache;
  } else if (home != nullptr && *home == '/') {
    path = std::string(home) + "/.cache";
  } else {
    return fail(Errc::kIo, "no place for images; set HOME or XDG_CACHE_HOME");
  }
  path += "/fptrace/images";
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return fail_errno("make " + path, error.value());
  return path;
}

std::string recipe(const Qemu& qemu) {
  std::string text = to_string(qemu.version) + "\n" + std::to_string(kImageFormat);
  for (const auto& argument : command_line({}, {}, {})) text += '\n' + argument;
  for (const auto* modules : {&kNeededModules, &kUsefulModules})
    for (const auto& name : *modules) text += '\n' + name;
  text += '\n' + std::string(init_bytes());
  Sha256 digest;
  ::SHA256(reinterpret_cast<const uint8_t*>(text.data()), text.size(), digest.data());
  return to_hex(digest).substr(0, 12);
}

Result<std::vector<Image>> list_images() {
  const auto store = image_store();
  if (!store) return fail(store.error());
  std::vector<Image> found;
  std::error_code error;
  fs::directory_iterator entries(*store, error), end;
  for (; !error && entries != end; entries.increment(error)) {
    if (entries->path().filename().string().starts_with(".")) continue;
    if (auto image = read_image(entries->path())) found.push_back(*std::move(image));
  }
  if (error) return fail_errno("read " + *store, error.value());
  std::ranges::sort(found, [](const Image& a, const Image& b) {
    return a.name != b.name ? a.name < b.name : newer(a, b);
  });
  return found;
}

Result<Image> image_for(const std::string& name, const Qemu& qemu,
                        const std::function<void(const std::string&)>& progress) {
  const auto images = list_images();
  if (!images) return fail(images.error());
  const std::string now = recipe(qemu);
  bool other = false;
  for (const auto& image : *images) {
    if (image.name != name) continue;
    if (image.recipe == now) return image;
    other = true;
  }
  if (name != BuildOptions().name)
    return fail(Errc::kUnsupported,
                other ? "image " + name +
                            " was built by another version of fptrace or QEMU; build it again: "
                            "fptrace image build " +
                            name
                      : "there is no image " + name + " (fptrace image list shows all)");
  BuildOptions options;
  options.progress = progress;
  auto built = build_image(options, qemu);
  if (!built) return fail(built.error());
  return std::move(built->image);
}

Result<Image> image_with_state(const std::string& state) {
  const auto images = list_images();
  if (!images) return fail(images.error());
  for (const auto& image : *images)
    if (!state.empty() && image.state == state) return image;
  return fail(Errc::kUnsupported,
              "the image it was recorded in is not here any more, or was built again since (a "
              "recording needs the very state it began with: " +
                  state.substr(0, 12) + "); record the program again");
}

Result<void> remove_image(const std::string& name) {
  const auto images = list_images();
  if (!images) return fail(images.error());
  bool removed = false;
  for (const auto& image : *images) {
    if (image.name != name) continue;
    std::error_code error;
    fs::remove_all(image.directory, error);
    if (error) return fail_errno("remove " + image.directory, error.value());
    removed = true;
  }
  if (!removed)
    return fail(Errc::kUnsupported,
                "there is no image " + name + " (fptrace image list shows all)");
  return {};
}

}  // namespace fptrace::emu
