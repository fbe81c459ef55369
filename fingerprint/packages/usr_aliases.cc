#include "fingerprint/packages/usr_aliases.h"

#include <algorithm>
#include <array>

namespace fptrace {
namespace {

// The directories that a merged /usr turns into links (usrmerge, file-hierarchy(7)).
constexpr std::array<const char*, 7> kMergeable{"bin",   "sbin",   "lib",   "lib32",
                                                "lib64", "libx32", "libo32"};
// Links that distributions have had for long, with packages that list files through them.
constexpr std::array<const char*, 4> kOthers{"/var/run", "/var/lock", "/var/mail", "/usr/tmp"};

bool is_below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

using Links = std::vector<std::pair<std::string, std::string>>;

void add_link(const RootDir& root, const std::string& path, Links& links) {
  const std::string target = root.link_target(path);
  if (target.empty()) return;
  const std::string to = normalized(parent_of(path), target);
  if (to != "/" && to != path) links.emplace_back(path, to);
}

// A link may lead to another one: /sbin to /usr/sbin to /usr/bin.
void follow_chains(Links& links) {
  for (auto& [from, to] : links) {
    for (size_t hop = 0; hop < links.size(); ++hop) {
      const auto next = std::find_if(links.begin(), links.end(),
                                     [&to = to](const auto& link) { return link.first == to; });
      if (next == links.end()) break;
      to = next->second;
    }
  }
}

}  // namespace

UsrAliases UsrAliases::read(const RootDir& root) {
  Links links;
  for (const std::string name : kMergeable) {
    const std::string top = "/" + name, in_usr = "/usr/" + name;
    add_link(root, top, links);
    add_link(root, in_usr, links);
    // A root of which only a part is there: taken as what systems are today.
    if (!root.exists(top)) links.emplace_back(top, in_usr);
  }
  for (const std::string path : kOthers) add_link(root, path, links);
  follow_chains(links);
  std::erase_if(links, [](const auto& link) { return link.first == link.second; });
  return UsrAliases(std::move(links));
}

std::vector<std::string> UsrAliases::spellings(const std::string& path) const {
  std::vector<std::string> out{path};
  const auto add = [&](std::string spelling) {
    if (std::find(out.begin(), out.end(), spelling) == out.end())
      out.push_back(std::move(spelling));
  };
  for (const auto& [from, to] : links_) {
    if (is_below(path, from)) add(to + path.substr(from.size()));
  }
  // By its canonical spelling, all that lead there.
  for (size_t i = 0, canonical = out.size(); i < canonical; ++i) {
    for (const auto& [from, to] : links_) {
      if (is_below(out[i], to)) add(from + out[i].substr(to.size()));
    }
  }
  return out;
}

}  // namespace fptrace
