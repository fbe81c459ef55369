#include "fingerprint/pack/secrets.h"

#include <algorithm>
#include <array>

#include "fingerprint/pack/dir_walk.h"
#include "fingerprint/pack/globs.h"

namespace fptrace::pack {
namespace {

struct Secret {
  std::string_view pattern, what;
};

// The places where common programs keep credentials, as their manual pages give them.
constexpr std::array kDirectories{
    // with all below them
    Secret{".ssh", "SSH keys and settings"},
    Secret{".gnupg", "GnuPG keys"},
    Secret{".aws", "AWS credentials"},
    Secret{".azure", "Azure credentials"},
    Secret{".config/gcloud", "Google Cloud credentials"},
    Secret{".config/gh", "GitHub credentials"},
    Secret{".config/hub", "GitHub credentials"},
    Secret{".kube", "cluster credentials"},
    Secret{".password-store", "passwords"},
    Secret{".local/share/keyrings", "passwords"},
    Secret{"/etc/ssl/private", "private keys"},
    Secret{"/etc/wireguard", "private keys"},
    Secret{"/etc/NetworkManager/system-connections", "network passwords"},
    Secret{"/run/secrets", "secrets"},
    Secret{"/var/run/secrets", "secrets"},
};
constexpr std::array kFiles{
    Secret{".config/git/credentials", "passwords of git"},
    Secret{".git-credentials", "passwords of git"},
    Secret{".netrc", "passwords for hosts"},
    Secret{"_netrc", "passwords for hosts"},
    Secret{".authinfo", "passwords for hosts"},
    Secret{".authinfo.gpg", "passwords for hosts"},
    Secret{".pgpass", "database passwords"},
    Secret{".my.cnf", "database passwords"},
    Secret{".mylogin.cnf", "database passwords"},
    Secret{".npmrc", "registry tokens"},
    Secret{".pypirc", "registry tokens"},
    Secret{".cargo/credentials*", "registry tokens"},
    Secret{".gem/credentials", "registry tokens"},
    Secret{".docker/config.json", "registry passwords"},
    Secret{"containers/auth.json", "registry passwords"},
    Secret{".vault-token", "a token"},
    Secret{".Xauthority", "a display's key"},
    Secret{".htpasswd", "passwords"},
    Secret{".env", "settings that often hold passwords"},
    Secret{"credentials.json", "credentials"},
    Secret{"client_secret*.json", "credentials"},
    Secret{"*.kdbx", "passwords"},
    Secret{"*.p12", "a private key"},
    Secret{"*.pfx", "a private key"},
    Secret{"*.jks", "a private key"},
    Secret{"*.ppk", "a private key"},
    Secret{"id_rsa", "a private key"},
    Secret{"id_dsa", "a private key"},
    Secret{"id_ecdsa", "a private key"},
    Secret{"id_ed25519", "a private key"},
    Secret{"secring.gpg", "a private key"},
    Secret{"*.token", "a token"},
    Secret{"*_token", "a token"},
    Secret{"*-token", "a token"},
    Secret{"token", "a token"},
    Secret{".token", "a token"},
    Secret{"/etc/shadow*", "password hashes"},
    Secret{"/etc/gshadow*", "password hashes"},
    Secret{"/etc/security/opasswd", "password hashes"},
    Secret{"/etc/krb5.keytab", "Kerberos keys"},
    Secret{"/etc/ssh/ssh_host_*_key", "a private key"},
    Secret{"/tmp/krb5cc_*", "a Kerberos ticket"},
};

constexpr std::array<std::string_view, 3> kKeyHeads{"-----BEGIN PGP PRIVATE KEY BLOCK-----",
                                                    "PuTTY-User-Key-File-", "openssh-key-v1"};

}  // namespace

std::string_view secret_by_name(std::string_view path) {
  for (const Secret& s : kDirectories)
    if (glob_matches(s.pattern, path)) return s.what;
  // What lies below a directory with such a name (a Python environment called .env) is no secret.
  const std::string directory = parent_path(path);
  for (const Secret& s : kFiles)
    if (glob_matches(s.pattern, path) && !glob_matches(s.pattern, directory)) return s.what;
  return {};
}

bool is_private_key(std::string_view head) {
  if (std::ranges::any_of(kKeyHeads, [&](std::string_view k) { return head.starts_with(k); }))
    return true;
  // RFC 7468. A line of its own, so that source code which only speaks of keys is none.
  for (size_t at = 0; (at = head.find("-----BEGIN ", at)) != head.npos; ++at) {
    if (at != 0 && head[at - 1] != '\n') continue;
    const std::string_view line = head.substr(at, head.find('\n', at) - at);
    if (line.find("PRIVATE KEY-----") != line.npos) return true;
  }
  return false;
}

}  // namespace fptrace::pack
