#include "fingerprint/packages/dpkg.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include "common/base/unique_fd.h"

namespace fptrace {
namespace {

// The directories that a merged /usr turns into links (usrmerge, file-hierarchy(7)).
constexpr std::array<std::string_view, 7> kMergeable{"bin",   "sbin",   "lib",   "lib32",
                                                     "lib64", "libx32", "libo32"};
constexpr size_t kMaxFile = 256u << 20;

Result<std::string> read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  std::string text;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + path);
    if (n == 0) return text;
    text.append(buffer.data(), size_t(n));
    if (text.size() > kMaxFile) return fail(Errc::kIo, path + ": too large");
  }
}

// Calls `line(number, text)` for each line, without its newline, until it returns false.
template <class F>
void for_each_line(std::string_view text, F line) {
  for (size_t at = 0, number = 1; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    if (!line(number, text.substr(at, end - at))) return;
    at = end + 1;
  }
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

}  // namespace

Result<std::vector<DpkgStatus>> parse_dpkg_status(std::string_view text) {
  std::vector<DpkgStatus> out;
  DpkgStatus current;
  std::string_view field;
  std::string error;
  const auto finish = [&] {
    if (!current.package.name.empty()) out.push_back(std::move(current));
    current = {};
    field = {};
  };
  for_each_line(text, [&](size_t number, std::string_view line) {
    if (trimmed(line).empty()) {
      finish();
      return true;
    }
    if (line[0] == ' ' || line[0] == '\t') {
      if (field == "Conffiles") {  // " PATH MD5 [obsolete]"
        const std::string_view entry = trimmed(line);
        const size_t end =
            entry.rfind(' ', entry.ends_with(" obsolete") ? entry.size() - 10 : entry.npos);
        if (end != entry.npos) current.conffiles.emplace_back(entry.substr(0, end));
      }
      return true;
    }
    const size_t colon = line.find(':');
    if (colon == line.npos || colon == 0) {
      error = "dpkg status line " + std::to_string(number) + ": no field name";
      return false;
    }
    field = line.substr(0, colon);
    const std::string value(trimmed(line.substr(colon + 1)));
    current.package.manager = "dpkg";
    if (field == "Package") current.package.name = value;
    if (field == "Version") current.package.version = value;
    if (field == "Architecture") current.package.arch = value;
    return true;
  });
  if (!error.empty()) return fail(Errc::kParse, error);
  finish();
  return out;
}

Result<std::vector<DpkgDiversion>> parse_dpkg_diversions(std::string_view text) {
  std::vector<std::string> lines;
  for_each_line(text, [&](size_t, std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  if (lines.size() % 3 != 0) {
    return fail(Errc::kParse,
                "dpkg diversions line " + std::to_string(lines.size()) + ": cut short");
  }
  std::vector<DpkgDiversion> out;
  for (size_t i = 0; i < lines.size(); i += 3) {
    for (size_t j = i; j < i + 2; ++j) {
      if (!lines[j].starts_with('/')) {
        return fail(Errc::kParse, "dpkg diversions line " + std::to_string(j + 1) + ": not a path");
      }
    }
    out.push_back({lines[i], lines[i + 1], lines[i + 2]});
  }
  return out;
}

Result<DpkgDatabase> DpkgDatabase::read(const std::string& root) {
  DpkgDatabase db;
  const std::string dir = root + "/var/lib/dpkg";
  if (::access((dir + "/status").c_str(), F_OK) != 0 && errno == ENOENT) return db;
  if (auto r = db.read_status(dir); !r) return fail(r.error());
  if (auto r = db.read_lists(dir + "/info"); !r) return fail(r.error());
  if (auto text = read_file(dir + "/diversions")) {
    auto diversions = parse_dpkg_diversions(*text);
    if (!diversions) return fail(diversions.error());
    db.diversions_ = std::move(*diversions);
  } else if (text.error().sys != ENOENT) {
    return fail(text.error());
  }
  db.find_merged(root);
  return db;
}

Result<void> DpkgDatabase::read_status(const std::string& dir) {
  auto text = read_file(dir + "/status");
  if (!text) return fail(text.error());
  auto all = parse_dpkg_status(*text);
  if (!all) return fail(all.error());
  for (const DpkgStatus& s : *all) {
    if (s.package.name == "dpkg") native_arch_ = s.package.arch;
  }
  std::string conffiles;
  std::vector<std::pair<size_t, uint32_t>> conffile_ends;
  for (DpkgStatus& s : *all) {
    const auto index = uint32_t(packages_.size());
    by_list_name_.emplace(s.package.name + ":" + s.package.arch, index);
    by_list_name_.emplace(s.package.name, index);
    for (const std::string& path : s.conffiles) {
      conffiles += path;
      conffile_ends.emplace_back(conffiles.size(), index);
    }
    packages_.push_back(std::move(s.package));
  }
  // An obsolete conffile is in no list any more, but still its package's.
  texts_.push_back(std::move(conffiles));
  size_t begin = 0;
  for (const auto& [end, index] : conffile_ends) {
    add_owner(std::string_view(texts_.back()).substr(begin, end - begin), index);
    begin = end;
  }
  return {};
}

Result<void> DpkgDatabase::read_lists(const std::string& dir) {
  const std::unique_ptr<DIR, int (*)(DIR*)> d(::opendir(dir.c_str()), &::closedir);
  if (!d) return fail_errno("opendir " + dir);
  std::vector<std::pair<std::string, uint32_t>> lists;
  while (const dirent* entry = ::readdir(d.get())) {
    const std::string_view name = entry->d_name;
    if (!name.ends_with(".list")) continue;
    const auto it = by_list_name_.find(std::string(name.substr(0, name.size() - 5)));
    if (it != by_list_name_.end()) lists.emplace_back(dir + "/" + entry->d_name, it->second);
  }
  for (const auto& [path, package] : lists) {
    auto text = read_file(path);
    if (!text) continue;  // removed meanwhile, or not ours to read: these files have no owner
    texts_.push_back(std::move(*text));
    for_each_line(texts_.back(), [&, p = package](size_t, std::string_view line) {
      if (line.size() > 1 && line[0] == '/') add_owner(line, p);
      return true;
    });
  }
  return {};
}

void DpkgDatabase::add_owner(std::string_view path, uint32_t package) {
  const auto [it, added] = owners_.try_emplace(path, package);
  if (!added && it->second != package) more_owners_.emplace(path, package);
}

void DpkgDatabase::find_merged(const std::string& root) {
  for (const std::string_view name : kMergeable) {
    struct stat st;
    const std::string path = root + "/" + std::string(name);
    const bool real_directory = ::lstat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
    if (!real_directory) merged_.emplace_back(name);
  }
}

std::vector<std::string> DpkgDatabase::spellings(const std::string& path) const {
  std::vector<std::string> out{path};
  const bool in_usr = path.starts_with("/usr/");
  const std::string_view rest = std::string_view(path).substr(in_usr ? 5 : 1);
  const std::string_view top = rest.substr(0, rest.find('/'));
  if (std::find(merged_.begin(), merged_.end(), top) != merged_.end()) {
    out.push_back((in_usr ? "/" : "/usr/") + std::string(rest));
  }
  return out;
}

void DpkgDatabase::owners_as_listed(const std::string& path, std::vector<uint32_t>& out) const {
  for (const std::string& name : spellings(path)) {
    if (const auto it = owners_.find(name); it != owners_.end()) out.push_back(it->second);
    const auto [begin, end] = more_owners_.equal_range(name);
    for (auto it = begin; it != end; ++it) out.push_back(it->second);
  }
}

std::vector<Package> DpkgDatabase::owners(const std::string& path) const {
  if (!path.starts_with('/')) return {};
  std::vector<uint32_t> found;
  owners_as_listed(path, found);
  const std::vector<std::string> names = spellings(path);
  const auto is_here = [&](const std::string& p) {
    return std::find(names.begin(), names.end(), p) != names.end();
  };
  for (const DpkgDiversion& d : diversions_) {
    if (is_here(d.from)) {  // only the diverting package's own file is here
      std::erase_if(found, [&](uint32_t p) { return packages_[p].name != d.by; });
    } else if (is_here(d.to)) {  // here is what the others ship under another name
      std::vector<uint32_t> diverted;
      owners_as_listed(d.from, diverted);
      std::erase_if(diverted, [&](uint32_t p) { return packages_[p].name == d.by; });
      found.insert(found.end(), diverted.begin(), diverted.end());
    }
  }
  std::set<Package> unique;
  for (const uint32_t p : found) unique.insert(packages_[p]);
  return {unique.begin(), unique.end()};
}

}  // namespace fptrace
