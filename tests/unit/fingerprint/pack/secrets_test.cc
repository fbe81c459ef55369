#include "fingerprint/pack/secrets.h"

#include <gtest/gtest.h>

namespace fptrace::pack {
namespace {

TEST(Secrets, AreKnownByTheirNames) {
  for (const char* path :
       {"/home/u/.ssh/known_hosts", "/root/.netrc", "/root/.aws/config", "/etc/shadow",
        "/etc/shadow-", "/root/.git-credentials", "/x/.gnupg/trustdb.gpg", "/srv/app/.env",
        "/run/secrets/db", "/x/api_token", "/x/store.p12", "/etc/ssh/ssh_host_rsa_key"})
    EXPECT_NE(secret_by_name(path), "") << path;
}

TEST(Secrets, AreNotWhatOnlyReadsAlike) {
  for (const char* path :
       {"/usr/lib/python3.11/token.py", "/etc/passwd", "/x/tokens.json", "/srv/.env/bin/python",
        "/usr/share/token/readme", "/etc/ssl/certs/ca.pem", "/x/netrc", "/usr/bin/ssh"})
    EXPECT_EQ(secret_by_name(path), "") << path;
}

TEST(PrivateKey, IsToldFromACertificate) {
  EXPECT_TRUE(is_private_key("-----BEGIN PRIVATE KEY-----\nx"));
  EXPECT_TRUE(is_private_key("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
  EXPECT_TRUE(is_private_key("Bag Attributes\n-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
  EXPECT_TRUE(is_private_key("-----BEGIN CERTIFICATE-----\nx\n-----BEGIN EC PRIVATE KEY-----\n"));
  EXPECT_TRUE(is_private_key("PuTTY-User-Key-File-2: ssh-rsa"));
  EXPECT_FALSE(is_private_key("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"));
  EXPECT_FALSE(is_private_key("-----BEGIN PUBLIC KEY-----\n"));
  EXPECT_FALSE(is_private_key("k = '-----BEGIN PRIVATE KEY-----'\n"));
  EXPECT_FALSE(is_private_key(""));
}

}  // namespace
}  // namespace fptrace::pack
