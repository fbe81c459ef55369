#include "fingerprint/sbom/purl.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

namespace fptrace {
namespace {

struct Type {
  std::string_view manager;  // as Package has it
  std::string_view type;     // as package URLs have it
};
constexpr std::array<Type, 21> kTypes{{
    {"dpkg", "deb"},      {"deb", "deb"},    {"rpm", "rpm"},     {"apk", "apk"},
    {"pacman", "alpm"},   {"alpm", "alpm"},  {"pypi", "pypi"},   {"pip", "pypi"},
    {"python", "pypi"},   {"npm", "npm"},    {"node", "npm"},    {"gem", "gem"},
    {"rubygems", "gem"},  {"cran", "cran"},  {"r", "cran"},      {"maven", "maven"},
    {"jar", "maven"},     {"java", "maven"}, {"conda", "conda"}, {"cargo", "cargo"},
    {"golang", "golang"},
}};

struct Vendor {
  std::string_view prefix;  // of PRETTY_NAME, in lower case
  std::string_view vendor;
};
// The longer of two with the same beginning comes first.
constexpr std::array<Vendor, 16> kVendors{{
    {"debian", "debian"},
    {"ubuntu", "ubuntu"},
    {"linux mint", "linuxmint"},
    {"raspbian", "raspbian"},
    {"devuan", "devuan"},
    {"kali", "kali"},
    {"fedora", "fedora"},
    {"red hat", "redhat"},
    {"centos", "centos"},
    {"rocky linux", "rocky"},
    {"almalinux", "almalinux"},
    {"amazon linux", "amazon"},
    {"opensuse", "opensuse"},
    {"suse", "suse"},
    {"alpine", "alpine"},
    {"arch linux", "arch"},
}};

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = char(std::tolower(uint8_t(c)));
  return out;
}

// The first number with its dots: "22.04.3", and "3.18" of "v3.18".
std::string first_version(std::string_view s) {
  const size_t begin = s.find_first_of("0123456789");
  if (begin == s.npos) return {};
  const size_t end = std::min(s.find_first_not_of("0123456789.", begin), s.size());
  std::string out(s.substr(begin, end - begin));
  while (out.ends_with('.')) out.pop_back();
  return out;
}

// Everything but unreserved characters and ":", which a purl never encodes.
std::string encoded(std::string_view s) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : s) {
    const auto b = uint8_t(c);
    if ((b < 0x80 && std::isalnum(b) != 0) || std::string_view(".-_~:").find(c) != s.npos) {
      out += c;
    } else {
      ((out += '%') += kHex[b >> 4]) += kHex[b & 15];
    }
  }
  return out;
}

std::string encoded_path(std::string_view s) {
  std::string out;
  for (size_t at = 0; at <= s.size();) {
    const size_t end = std::min(s.find('/', at), s.size());
    if (end > at) (out += out.empty() ? "" : "/") += encoded(s.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

struct Parts {
  std::string type, space, name, version;
  std::map<std::string, std::string> qualifiers;  // sorted by key, as a canonical purl has them
};

std::string assembled(const Parts& p) {
  std::string out = "pkg:" + p.type + "/";
  if (const std::string space = encoded_path(p.space); !space.empty()) out += space + "/";
  out += encoded(p.name);
  if (!p.version.empty()) out += "@" + encoded(p.version);
  char separator = '?';
  for (const auto& [key, value] : p.qualifiers) {
    if (value.empty()) continue;
    out += separator + key + "=" + encoded(value);
    separator = '&';
  }
  return out;
}

void set_distribution(Parts& p, const Package& package, const Distribution& distribution) {
  p.space = distribution.vendor;
  if (p.space.empty() && p.type == "deb") p.space = "debian";  // required; dpkg's own home
  if (p.space.empty() && p.type == "apk") p.space = "alpine";
  p.qualifiers["arch"] = package.arch;
  p.qualifiers["distro"] = distribution.release;
  if (p.type == "deb" || p.type == "apk") p.name = lower(p.name);
  if (p.type != "rpm") return;
  // An rpm's epoch is no part of its version.
  const size_t colon = p.version.find(':');
  if (colon == std::string::npos) return;
  p.qualifiers["epoch"] = p.version.substr(0, colon);
  p.version.erase(0, colon + 1);
}

// "@scope/name", "group:artifact": the part before the last separator is the namespace.
void split_name(Parts& p, char separator) {
  const size_t at = p.name.rfind(separator);
  if (at == std::string::npos || at == 0 || at + 1 == p.name.size()) return;
  p.space = p.name.substr(0, at);
  p.name.erase(0, at + 1);
}

}  // namespace

Distribution distribution_of(std::string_view pretty_name) {
  const std::string name = lower(pretty_name);
  for (const Vendor& v : kVendors) {
    if (!name.starts_with(v.prefix)) continue;
    const std::string version = first_version(name);
    const std::string vendor(v.vendor);
    return {vendor, version.empty() ? "" : vendor + "-" + version};
  }
  return {};
}

std::string purl(const Package& package, const Distribution& distribution) {
  const std::string manager = lower(package.manager);
  const auto* known = std::find_if(kTypes.begin(), kTypes.end(),
                                   [&](const Type& t) { return t.manager == manager; });
  Parts p;
  p.type = known == kTypes.end() ? "generic" : std::string(known->type);
  p.name = package.name;
  p.version = package.version;
  if (p.type == "deb" || p.type == "rpm" || p.type == "apk" || p.type == "alpm") {
    set_distribution(p, package, distribution);
  } else if (p.type == "pypi") {  // PEP 503 names: no case, and "_" is "-"
    p.name = lower(p.name);
    std::replace(p.name.begin(), p.name.end(), '_', '-');
  } else if (p.type == "npm") {
    split_name(p, '/');
  } else if (p.type == "golang") {
    p.name = lower(p.name);
    split_name(p, '/');
  } else if (p.type == "maven") {
    split_name(p, ':');
  } else if (p.type == "conda") {
    p.qualifiers["subdir"] = package.arch;
  } else if (p.type == "gem" && package.arch != "ruby") {
    p.qualifiers["platform"] = package.arch;
  }
  return assembled(p);
}

}  // namespace fptrace
