#include <linux/net.h>
#include <sys/socket.h>

#include <algorithm>

#include "common/syscall/decoded_call.h"
#include "common/syscall/socket_address.h"

// Calls on sockets that name a peer or receive descriptors: SocketEvent, FdEvent.

namespace fptrace {
namespace {

constexpr size_t kMostMessages = 1024;      // UIO_MAXIOV, the kernel's limit for *mmsg
constexpr uint64_t kMostControl = 1 << 20;  // more than any kernel fills
constexpr size_t kMostAddress = 128;        // struct sockaddr_storage
constexpr size_t kMostDescriptors = 253;    // SCM_MAX_FD, a message's most

// struct msghdr as the call's interface lays it out.
struct Message {
  uint64_t name = 0, control = 0, control_size = 0;
  uint32_t name_size = 0;
};

struct WideMessage {
  uint64_t name;
  uint32_t name_size, pad;
  uint64_t iov, iov_count, control, control_size;
  uint32_t flags, pad2;
};
struct NarrowMessage {
  uint32_t name, name_size, iov, iov_count, control, control_size, flags;
};
// struct mmsghdr is one of these followed by the length.
uint64_t mmsg_step(bool narrow) {
  return narrow ? sizeof(NarrowMessage) + 4 : sizeof(WideMessage) + 8;
}

std::optional<Message> read_message(TaskView& task, uint64_t addr, bool narrow) {
  if (narrow) {
    const auto m = read_object<NarrowMessage>(task, addr);
    if (!m) return std::nullopt;
    return Message{m->name, m->control, m->control_size, m->name_size};
  }
  const auto m = read_object<WideMessage>(task, addr);
  if (!m) return std::nullopt;
  return Message{m->name, m->control, m->control_size, m->name_size};
}

// ---- addresses

// One address that a call uses.
struct Peer {
  SocketAddress address;
  bool readable = true;
  std::optional<NamedPath> path;  // AF_UNIX, in the file system
};

Peer read_peer(Scene scene, SocketOp op, uint64_t addr, uint32_t size) {
  Peer peer;
  std::string bytes(std::min<size_t>(size, kMostAddress), '\0');
  peer.readable = scene.task.read_memory(addr, bytes.data(), bytes.size()) == bytes.size();
  if (!peer.readable) return peer;
  peer.address = parse_socket_address(bytes);
  if (peer.address.is_path) {
    const LastLink last = op == SocketOp::kBind ? LastLink::kName : LastLink::kFollow;
    peer.path = name_path(scene, {AT_FDCWD, peer.address.text, last, false, 0});
  }
  return peer;
}

void append_peer(Scene scene, SocketOp op, const Peer& peer, const Outcome& outcome,
                 std::vector<EventBody>& out) {
  if (!peer.readable && outcome.ok()) {
    out.emplace_back(GapEvent{"unreadable address", ""});
    return;
  }
  SocketEvent event;
  event.op = op;
  event.family = peer.address.family;
  event.address = peer.address.text;
  event.error = outcome.error;
  if (peer.path) {
    event.at = op == SocketOp::kBind ? settle_made(scene, *peer.path, outcome)
                                     : settle(scene, *peer.path, outcome);
  }
  out.emplace_back(std::move(event));
}

class AddressCall : public DecodedCall {
 public:
  // `fd`: the socket, for connect.
  AddressCall(SocketOp op, std::vector<Peer> peers, int fd = -1)
      : op_(op), fd_(fd), peers_(std::move(peers)) {
    may_block(op != SocketOp::kBind);
  }

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    // connect(2): the connection of a non-blocking socket is under way, nothing has failed.
    if (op_ == SocketOp::kConnect && outcome.error == EINPROGRESS) outcome.error = 0;
    for (const Peer& peer : peers_) append_peer(scene, op_, peer, outcome, out);
    auto* event = out.empty() ? nullptr : std::get_if<SocketEvent>(&out.back());
    if (!event || op_ != SocketOp::kConnect || event->family != AF_UNIX || outcome.error != 0)
      return;
    if (auto listener = scene.task.socket_peer(fd_)) {
      event->peer_pid = listener->pid;
      event->peer_exe = std::move(listener->exe);
    }
  }

 private:
  SocketOp op_;
  int fd_;
  std::vector<Peer> peers_;
};

std::unique_ptr<DecodedCall> enter_address(Scene scene, SocketOp op, uint64_t addr, uint32_t size,
                                           int fd = -1) {
  if (addr == 0) return nullptr;  // EFAULT, or sendto on a connected socket
  std::vector<Peer> peers;
  peers.push_back(read_peer(scene, op, addr, size));
  return std::make_unique<AddressCall>(op, std::move(peers), fd);
}

// `count` messages from `addr` on, of which only those with an address are of interest.
std::unique_ptr<DecodedCall> enter_send(Scene scene, uint64_t addr, size_t count, bool narrow) {
  std::vector<Peer> peers;
  for (size_t i = 0; i < std::min(count, kMostMessages); ++i) {
    const auto message = read_message(scene.task, addr + i * mmsg_step(narrow), narrow);
    if (!message) break;
    if (message->name != 0 && message->name_size != 0)
      peers.push_back(read_peer(scene, SocketOp::kSend, message->name, message->name_size));
  }
  if (peers.empty()) return nullptr;
  return std::make_unique<AddressCall>(SocketOp::kSend, std::move(peers));
}

// ---- descriptors in messages

// The descriptors in the control data of a received message (cmsg(3)).
std::vector<int> received_descriptors(std::string_view control, bool narrow) {
  std::vector<int> fds;
  const size_t word = narrow ? 4 : 8;
  const size_t header = word + 8;
  while (control.size() >= header) {
    uint64_t size = 0;
    int32_t level = 0, type = 0;
    std::memcpy(&size, control.data(), word);
    std::memcpy(&level, control.data() + word, sizeof level);
    std::memcpy(&type, control.data() + word + 4, sizeof type);
    if (size < header || size > control.size()) break;
    const std::string_view data = control.substr(header, size_t(size) - header);
    for (size_t at = 0; level == SOL_SOCKET && type == SCM_RIGHTS && at + 4 <= data.size(); at += 4)
      std::memcpy(&fds.emplace_back(), data.data() + at, 4);
    control.remove_prefix(std::min((size_t(size) + word - 1) / word * word, control.size()));
  }
  fds.resize(std::min(fds.size(), kMostDescriptors));
  return fds;
}

class ReceiveCall : public DecodedCall {
 public:
  ReceiveCall(uint64_t addr, bool many, bool narrow) : addr_(addr), many_(many), narrow_(narrow) {
    may_block(true);
  }

  void finish(Scene scene, Outcome outcome, std::vector<EventBody>& out) const override {
    if (!outcome.ok()) return;
    const size_t count = many_ ? size_t(std::min<uint64_t>(outcome.value, kMostMessages)) : 1;
    for (size_t i = 0; i < count; ++i) append_message(scene, addr_ + i * mmsg_step(narrow_), out);
  }

 private:
  void append_message(Scene scene, uint64_t addr, std::vector<EventBody>& out) const {
    // The kernel has written how much control data there is.
    const auto message = read_message(scene.task, addr, narrow_);
    std::string control(message ? size_t(std::min(message->control_size, kMostControl)) : 0, '\0');
    if (!message || scene.task.read_memory(message->control, control.data(), control.size()) !=
                        control.size()) {
      out.emplace_back(GapEvent{"received descriptor", "unreadable message"});
      return;
    }
    for (const int fd : received_descriptors(control, narrow_)) {
      auto open = scene.task.descriptor(fd);
      if (open)
        out.emplace_back(FdEvent{FdOrigin::kReceived, fd, open->flags, std::move(open->file)});
      else
        out.emplace_back(GapEvent{"received descriptor", std::to_string(fd)});
    }
  }

  uint64_t addr_;
  bool many_, narrow_;
};

// nullptr: no message has room for control data, so no descriptor can come.
std::unique_ptr<DecodedCall> enter_receive(Scene scene, uint64_t addr, size_t count, bool many,
                                           bool narrow) {
  for (size_t i = 0; i < std::min(count, kMostMessages); ++i) {
    const auto message = read_message(scene.task, addr + i * mmsg_step(narrow), narrow);
    if (!message) break;
    if (message->control != 0 && message->control_size != 0)
      return std::make_unique<ReceiveCall>(addr, many, narrow);
  }
  return nullptr;
}

// i386's socketcall(call, args): one number for all, arguments in an array of 32-bit words.
std::unique_ptr<DecodedCall> enter_socketcall(Scene scene, const Arguments& args) {
  std::array<uint32_t, 6> a{};
  // Each call reads as many words as it has arguments; more need not be there.
  (void)scene.task.read_memory(args.word(1), a.data(), sizeof a);
  switch (args.u32(0)) {
    case SYS_BIND:
      return enter_address(scene, SocketOp::kBind, a[1], a[2]);
    case SYS_CONNECT:
      return enter_address(scene, SocketOp::kConnect, a[1], a[2], int(a[0]));
    case SYS_SENDTO:
      return enter_address(scene, SocketOp::kSend, a[4], a[5]);
    case SYS_SENDMSG:
      return enter_send(scene, a[1], 1, true);
    case SYS_SENDMMSG:
      return enter_send(scene, a[1], a[2], true);
    case SYS_RECVMSG:
      return enter_receive(scene, a[1], 1, false, true);
    case SYS_RECVMMSG:
      return enter_receive(scene, a[1], a[2], true, true);
    default:
      return nullptr;
  }
}

std::unique_ptr<DecodedCall> enter_recvmmsg(Scene scene, const Arguments& args) {
  return enter_receive(scene, args.word(1), args.u32(2), true, args.narrow());
}

}  // namespace

void add_socket_calls(Handlers& handlers) {
  handlers["bind"] = [](Scene scene, const Arguments& args) {
    return enter_address(scene, SocketOp::kBind, args.word(1), args.u32(2));
  };
  handlers["connect"] = [](Scene scene, const Arguments& args) {
    return enter_address(scene, SocketOp::kConnect, args.word(1), args.u32(2), int(args.u32(0)));
  };
  handlers["sendto"] = [](Scene scene, const Arguments& args) {
    return enter_address(scene, SocketOp::kSend, args.word(4), args.u32(5));
  };
  handlers["sendmsg"] = [](Scene scene, const Arguments& args) {
    return enter_send(scene, args.word(1), 1, args.narrow());
  };
  handlers["sendmmsg"] = [](Scene scene, const Arguments& args) {
    return enter_send(scene, args.word(1), args.u32(2), args.narrow());
  };
  handlers["recvmsg"] = [](Scene scene, const Arguments& args) {
    return enter_receive(scene, args.word(1), 1, false, args.narrow());
  };
  handlers["recvmmsg"] = handlers["recvmmsg_time64"] = enter_recvmmsg;
  handlers["socketcall"] = enter_socketcall;
}

}  // namespace fptrace
