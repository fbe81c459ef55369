#include "backends/emu/image/kernel_modules.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestModule = 64u << 20;

std::string with_underscores(std::string name) {
  std::ranges::replace(name, '-', '_');
  return name;
}

// "virtio_blk" of "…/virtio_blk.ko.xz"; nullopt: no module.
std::optional<std::string> module_name(const fs::path& path) {
  const std::string file = path.filename();
  const size_t end = file.find(".ko");
  if (end == std::string::npos || (file.size() != end + 3 && file[end + 3] != '.'))
    return std::nullopt;
  return with_underscores(file.substr(0, end));
}

class Collector {
 public:
  static Result<Collector> make(const std::string& directory) {
    Collector c;
    c.directory_ = directory;
    std::error_code error;
    fs::recursive_directory_iterator files(directory, error), end;
    for (; !error && files != end; files.increment(error))
      if (auto name = module_name(files->path())) c.paths_[*std::move(name)] = files->path();
    if (error) return fail_errno("read " + directory, error.value());
    std::ifstream builtin(directory + "/modules.builtin");
    c.knows_builtin_ = builtin.good();
    for (std::string line; std::getline(builtin, line);)
      if (auto name = module_name(line)) c.builtin_.insert(*std::move(name));
    return c;
  }

  bool has(const std::string& name) const { return paths_.contains(name); }

  // `depth` bounds what a module that depends on itself would make endless.
  Result<void> add(const std::string& name, int depth = 0) {
    if (!done_.insert(name).second) return {};
    const auto it = paths_.find(name);
    if (it == paths_.end()) {
      if (builtin_.contains(name) || !knows_builtin_) return {};
      return fail(Errc::kUnsupported, "the kernel of " + directory_ + " has no " + name +
                                          "; take another one (--package, --kernel)");
    }
    auto bytes = read_decompressed(it->second, kLargestModule);
    if (!bytes) return fail(bytes.error());
    for (const auto& other : module_dependencies(*bytes)) {
      if (depth > 32) break;
      if (auto ok = add(other, depth + 1); !ok) return ok;
    }
    modules_.push_back({name, *std::move(bytes)});
    return {};
  }

  std::vector<Module> take() { return std::move(modules_); }

 private:
  std::string directory_;
  std::map<std::string, std::string> paths_;
  std::set<std::string> builtin_, done_;
  bool knows_builtin_ = false;
  std::vector<Module> modules_;
};

}  // namespace

Result<std::string> read_decompressed(const std::string& path, size_t most) {
  const std::unique_ptr<archive, decltype(&archive_read_free)> in(archive_read_new(),
                                                                  archive_read_free);
  archive_read_support_filter_all(in.get());
  archive_read_support_format_raw(in.get());
  const auto failed = [&] {
    const char* why = archive_error_string(in.get());
    return fail(Errc::kIo, "read " + path + ": " + (why != nullptr ? why : "it is damaged"));
  };
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(in.get(), path.c_str(), 64 << 10) != ARCHIVE_OK) return failed();
  std::string bytes;
  const int begun = archive_read_next_header(in.get(), &entry);
  if (begun == ARCHIVE_EOF) return bytes;
  if (begun != ARCHIVE_OK) return failed();
  char buffer[64 << 10];
  la_ssize_t n;
  while ((n = archive_read_data(in.get(), buffer, sizeof buffer)) > 0) {
    bytes.append(buffer, size_t(n));
    if (bytes.size() > most) return fail(Errc::kIo, path + " is larger than it may be");
  }
  if (n < 0) return failed();
  return bytes;
}

std::vector<std::string> module_dependencies(std::string_view elf) {
  // .modinfo is a list of NAME=VALUE strings, each ended by NUL (scripts/mod/modpost.c in Linux).
  constexpr std::string_view kKey("\0depends=", 9);
  std::vector<std::string> out;
  const size_t at = elf.find(kKey);
  if (at == elf.npos) return out;
  std::string_view list = elf.substr(at + kKey.size());
  const size_t end = list.find('\0');
  if (end == list.npos) return out;
  list = list.substr(0, end);
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (comma > 0) out.push_back(with_underscores(std::string(list.substr(0, comma))));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return out;
}

Result<std::vector<Module>> collect_modules(const std::string& directory,
                                            const std::vector<std::string>& wanted,
                                            const std::vector<std::string>& useful) {
  auto collector = Collector::make(directory);
  if (!collector) return fail(collector.error());
  for (const auto& name : wanted)
    if (auto ok = collector->add(name); !ok) return fail(ok.error());
  for (const auto& name : useful)
    if (collector->has(name))
      if (auto ok = collector->add(name); !ok) return fail(ok.error());
  return collector->take();
}

}  // namespace fptrace::emu
