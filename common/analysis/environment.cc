#include "common/analysis/environment.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace fptrace {
namespace {

constexpr std::array<std::string_view, 12> kSecretWords{
    "TOKEN",  "SECRET",     "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL",
    "APIKEY", "PRIVATEKEY", "COOKIE",   "BEARER", "SESSIONKEY", "ACCESSKEY"};
constexpr std::array<std::string_view, 7> kSecretLastWords{"KEY",  "PASS", "PWD",  "PAT",
                                                           "AUTH", "PW",   "CREDS"};
// Where things are, not what they are.
constexpr std::array<std::string_view, 2> kNotSecret{"PWD", "OLDPWD"};

}  // namespace

bool looks_secret(std::string_view name) {
  std::string upper(name);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return char(std::toupper(c)); });
  if (std::find(kNotSecret.begin(), kNotSecret.end(), upper) != kNotSecret.end()) return false;
  std::string letters = upper;  // API_KEY and ApiKey alike
  std::erase_if(letters, [](unsigned char c) { return c == '_' || c == '-' || c == '.'; });
  for (const std::string_view word : kSecretWords) {
    if (letters.find(word) != letters.npos) return true;
  }
  const std::string_view last = std::string_view(upper).substr(upper.find_last_of("_-.") + 1);
  return std::find(kSecretLastWords.begin(), kSecretLastWords.end(), last) !=
         kSecretLastWords.end();
}

std::string redact(std::string_view name, std::string_view value) {
  if (looks_secret(name)) return std::string(kRedacted);
  std::string out(value);
  // scheme://user:password@host, RFC 3986 section 3.2.1
  for (size_t at = 0; (at = out.find("://", at)) != out.npos;) {
    at += 3;
    const size_t end = std::min(out.find_first_of("/?# \t", at), out.size());
    const size_t host = out.substr(at, end - at).rfind('@');
    const size_t colon = out.find(':', at);
    if (host == out.npos || colon >= at + host) continue;
    out.replace(colon + 1, at + host - colon - 1, kRedacted);
  }
  return out;
}

Result<void> Environment::on_event(const Event& event) {
  const auto* exec = std::get_if<ExecEvent>(&event.body);
  if (exec == nullptr || exec->error != 0 || seen_) return {};
  seen_ = true;
  for (const std::string& entry : exec->env) {
    const size_t equals = entry.find('=');
    if (equals == entry.npos) continue;
    variables_.try_emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return {};
}

}  // namespace fptrace
