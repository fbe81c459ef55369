#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace fptrace {

// A socket address as a program passes it to the kernel.
struct SocketAddress {
  uint16_t family = 0;  // AF_*
  // AF_UNIX: the path, or "@name" when abstract; AF_INET "1.2.3.4:80"; AF_INET6 "[::1]:80"; others:
  // what numbers they have, or nothing.
  std::string text;
  bool is_path = false;  // AF_UNIX, with a name in the file system
  bool operator==(const SocketAddress&) const = default;
};

// Pure. Bytes that are too few for their family yield what they hold.
SocketAddress parse_socket_address(std::string_view bytes);

}  // namespace fptrace
