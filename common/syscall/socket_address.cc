#include "common/syscall/socket_address.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <optional>

namespace fptrace {
namespace {

template <class T>
std::optional<T> as(std::string_view bytes) {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T address;
  std::memcpy(&address, bytes.data(), sizeof address);
  return address;
}

std::string unix_name(std::string_view name, bool& is_path) {
  // unix(7): an abstract name may hold NULs and is as long as the address says.
  if (name.starts_with('\0')) return "@" + std::string(name.substr(1));
  is_path = !name.empty();
  return std::string(name.substr(0, name.find('\0')));
}

std::string inet_name(std::string_view bytes) {
  const auto address = as<sockaddr_in>(bytes);
  if (!address) return "";
  char text[INET_ADDRSTRLEN];
  ::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(address->sin_port));
}

std::string inet6_name(std::string_view bytes) {
  // The scope at the end is optional (SIN6_LEN_RFC2133).
  std::string whole(bytes);
  if (whole.size() < 24) return "";
  whole.resize(std::max(whole.size(), sizeof(sockaddr_in6)), '\0');
  const auto address = as<sockaddr_in6>(whole);
  char text[INET6_ADDRSTRLEN];
  ::inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(address->sin6_port));
}

std::string netlink_name(std::string_view bytes) {
  const auto address = as<sockaddr_nl>(bytes);
  if (!address) return "";
  return std::to_string(address->nl_pid) + ":" + std::to_string(address->nl_groups);
}

std::string vsock_name(std::string_view bytes) {
  const auto address = as<sockaddr_vm>(bytes);
  if (!address) return "";
  return std::to_string(address->svm_cid) + ":" + std::to_string(address->svm_port);
}

}  // namespace

SocketAddress parse_socket_address(std::string_view bytes) {
  SocketAddress out;
  const auto family = as<uint16_t>(bytes);
  if (!family) return out;
  out.family = *family;
  switch (out.family) {
    case AF_UNIX:
      out.text = unix_name(bytes.substr(sizeof *family), out.is_path);
      break;
    case AF_INET:
      out.text = inet_name(bytes);
      break;
    case AF_INET6:
      out.text = inet6_name(bytes);
      break;
    case AF_NETLINK:
      out.text = netlink_name(bytes);
      break;
    case AF_VSOCK:
      out.text = vsock_name(bytes);
      break;
    default:
      break;
  }
  return out;
}

}  // namespace fptrace
