#include "fingerprint/sbom/document.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "common/base/text.h"

namespace fptrace {

std::string iso_time(uint64_t seconds) {
  const auto time = time_t(std::min(seconds, kLastSecond));
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> out;
  return {out.data(), std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string command_text(const Manifest& manifest) {
  std::string out;
  for (const std::string& word : manifest.argv) (out += out.empty() ? "" : " ") += printable(word);
  return out;
}

std::string coverage_text(const Manifest& manifest) {
  if (manifest.complete) return "complete";
  std::string out;
  for (const Undecoded& u : manifest.undecoded) {
    out += (out.empty() ? "incomplete: " : ", ") + printable(u.what);
    out += " (" + std::to_string(u.count) + ")";
  }
  return out.empty() ? "incomplete" : out;
}

std::vector<std::string> role_names(const ManifestFile& file) {
  std::vector<std::string> out;
  for (size_t i = 0; i < kRoleNames.size(); ++i) {
    if (file.roles.has(Role(i))) out.emplace_back(kRoleNames[i]);
  }
  return out;
}

}  // namespace fptrace
