#pragma once
#include <string_view>

namespace fptrace::pack {

// Pure. Whether the name of a file says that it holds a secret: keys, passwords, tokens. Empty when
// not, else what it looks like, to be told to the user.
std::string_view secret_by_name(std::string_view path);

// Pure. Whether a text is a private key: PEM of any kind, OpenSSH, PuTTY, PGP. A certificate is
// none. `head` is the beginning of the file, or all of it.
bool is_private_key(std::string_view head);
inline constexpr size_t kPrivateKeyHead = size_t{64} << 10;

}  // namespace fptrace::pack
