#include <arpa/inet.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "common/syscall/socket_address.h"
#include "tests/unit/common/syscall/decoder_fixture.h"

namespace fptrace {
namespace {

std::string unix_address(std::string_view name) {
  const uint16_t family = AF_UNIX;
  return std::string(reinterpret_cast<const char*>(&family), 2).append(name);
}

std::string inet_address(const char* ip, uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  ::inet_pton(AF_INET, ip, &a.sin_addr);
  return {reinterpret_cast<const char*>(&a), sizeof a};
}

std::string inet6_address(const char* ip, uint16_t port) {
  sockaddr_in6 a{};
  a.sin6_family = AF_INET6;
  a.sin6_port = htons(port);
  ::inet_pton(AF_INET6, ip, &a.sin6_addr);
  return {reinterpret_cast<const char*>(&a), sizeof a};
}

TEST(SocketAddress, IsReadableByPeople) {
  EXPECT_EQ(parse_socket_address(inet_address("1.2.3.4", 80)),
            (SocketAddress{AF_INET, "1.2.3.4:80", false}));
  EXPECT_EQ(parse_socket_address(inet6_address("::1", 443)),
            (SocketAddress{AF_INET6, "[::1]:443", false}));
  EXPECT_EQ(parse_socket_address(inet6_address("fe80::1", 1).substr(0, 24)).text, "[fe80::1]:1")
      << "the scope may be missing";
  EXPECT_EQ(parse_socket_address(unix_address("/run/x")), (SocketAddress{AF_UNIX, "/run/x", true}));
  EXPECT_EQ(parse_socket_address(unix_address(std::string("/run/x\0junk", 11))).text, "/run/x");
  EXPECT_EQ(parse_socket_address(unix_address(std::string("\0ab\0c", 5))),
            (SocketAddress{AF_UNIX, std::string("@ab\0c", 5), false}));
  EXPECT_EQ(parse_socket_address(unix_address("")), (SocketAddress{AF_UNIX, "", false}));
  sockaddr_nl nl{};
  nl.nl_family = AF_NETLINK;
  nl.nl_groups = 5;
  EXPECT_EQ(parse_socket_address({reinterpret_cast<const char*>(&nl), sizeof nl}).text, "0:5");
  sockaddr_vm vm{};
  vm.svm_family = AF_VSOCK;
  vm.svm_cid = 2;
  vm.svm_port = 9;
  EXPECT_EQ(parse_socket_address({reinterpret_cast<const char*>(&vm), sizeof vm}).text, "2:9");
}

TEST(SocketAddress, TooFewBytesYieldWhatTheyHold) {
  EXPECT_EQ(parse_socket_address(""), (SocketAddress{}));
  EXPECT_EQ(parse_socket_address("\x02"), (SocketAddress{}));
  for (const auto& whole : {inet_address("1.2.3.4", 80), inet6_address("::1", 80)}) {
    const auto cut = parse_socket_address(whole.substr(0, 8));
    EXPECT_NE(cut.family, 0);
    EXPECT_EQ(cut.text, "");
  }
  EXPECT_EQ(parse_socket_address("\xff\xff..").family, 0xffff);
}

class SocketCalls : public DecoderFixture {
 protected:
  SocketCalls() {
    fs_.special("/run/daemon", S_IFSOCK);
    fs_.symlink("/run/link", "daemon");
  }
  SocketEvent address_call(std::string_view name, const std::string& address, int64_t result = 0,
                           Abi abi = Abi::kX86_64) {
    return one<SocketEvent>(run(name, {3, task_.put(address), address.size()}, result, abi));
  }
};

TEST_F(SocketCalls, ConnectTellsThePeer) {
  auto e = address_call("connect", inet_address("1.2.3.4", 80));
  EXPECT_EQ(e.op, SocketOp::kConnect);
  EXPECT_EQ(e.family, AF_INET);
  EXPECT_EQ(e.address, "1.2.3.4:80");
  e = address_call("connect", unix_address("/run/link"), 0, Abi::kI386);
  EXPECT_EQ(e.address, "/run/link");
  EXPECT_EQ(e.at.file.path, "/run/daemon");
  EXPECT_EQ(e.at.links, std::vector<std::string>{"/run/link"});
}

TEST_F(SocketCalls, FailedConnectTellsTheError) {
  const auto e = address_call("connect", unix_address("/run/nope"), -ENOENT);
  EXPECT_EQ(e.error, ENOENT);
  EXPECT_EQ(e.at.file.path, "/run/nope");
}

TEST_F(SocketCalls, AConnectionUnderWayIsNoError) {
  EXPECT_EQ(address_call("connect", inet_address("1.2.3.4", 80), -EINPROGRESS).error, 0);
  EXPECT_TRUE(enter("connect", {3, task_.put(unix_address("x")), 3})->may_block());
}

TEST_F(SocketCalls, BindTellsTheNewSocketFile) {
  const std::string address = unix_address("/run/new");
  const auto call = enter("bind", {3, task_.put(address), address.size()});
  fs_.special("/run/new", S_IFSOCK);
  const auto e = one<SocketEvent>(leave(call, 0));
  EXPECT_EQ(e.op, SocketOp::kBind);
  EXPECT_EQ(e.at.file, fs_.ref("/run/new"));
}

TEST_F(SocketCalls, UnreadableAddress) {
  EXPECT_EQ(one<SocketEvent>(run("connect", {3, kNowhere, 16}, -EFAULT)).error, EFAULT);
  EXPECT_EQ(one<GapEvent>(run("connect", {3, kNowhere, 16}, 0)).what, "unreadable address");
}

TEST_F(SocketCalls, SendsWithAnAddressAreTold) {
  const std::string peer = inet_address("8.8.8.8", 53);
  const auto e = one<SocketEvent>(run("sendto", {3, 0, 0, 0, task_.put(peer), peer.size()}, 5));
  EXPECT_EQ(e.op, SocketOp::kSend);
  EXPECT_EQ(e.address, "8.8.8.8:53");
}

// msghdr as each interface lays it out.
std::string message64(uint64_t name, uint32_t name_size, uint64_t control, uint64_t control_size) {
  msghdr m{};
  m.msg_name = reinterpret_cast<void*>(name);
  m.msg_namelen = name_size;
  m.msg_control = reinterpret_cast<void*>(control);
  m.msg_controllen = control_size;
  return {reinterpret_cast<const char*>(&m), sizeof m};
}
std::string message32(uint64_t name, uint32_t name_size, uint64_t control, uint64_t control_size) {
  const uint32_t m[7] = {uint32_t(name),         name_size, 0, 0, uint32_t(control),
                         uint32_t(control_size), 0};
  return {reinterpret_cast<const char*>(m), sizeof m};
}
std::string message(Abi abi, uint64_t name, uint32_t name_size, uint64_t control = 0,
                    uint64_t control_size = 0) {
  return (abi == Abi::kX86_64 ? message64 : message32)(name, name_size, control, control_size);
}
std::string rights(Abi abi, const std::vector<int>& fds) {
  const size_t word = abi == Abi::kX86_64 ? 8 : 4;
  const uint64_t size = word + 8 + 4 * fds.size();
  const int32_t level = SOL_SOCKET, type = SCM_RIGHTS;
  std::string bytes(reinterpret_cast<const char*>(&size), word);
  bytes.append(reinterpret_cast<const char*>(&level), 4);
  bytes.append(reinterpret_cast<const char*>(&type), 4);
  bytes.append(reinterpret_cast<const char*>(fds.data()), 4 * fds.size());
  bytes.resize((bytes.size() + word - 1) / word * word);
  return bytes;
}

class SocketMessages : public SocketCalls, public ::testing::WithParamInterface<Abi> {};

TEST_P(SocketMessages, SendmsgTellsItsAddress) {
  const std::string peer = inet_address("1.1.1.1", 53);
  const uint64_t name = task_.put(peer);
  const uint64_t addr = task_.put(message(GetParam(), name, uint32_t(peer.size())));
  EXPECT_EQ(one<SocketEvent>(run("sendmsg", {3, addr, 0}, 5, GetParam())).address, "1.1.1.1:53");
  EXPECT_EQ(enter("sendmsg", {3, task_.put(message(GetParam(), 0, 0)), 0}, GetParam()), nullptr);
}

TEST_P(SocketMessages, SendmmsgTellsEachAddress) {
  const std::string a = inet_address("1.1.1.1", 53), b = inet_address("2.2.2.2", 53);
  std::string messages;
  for (const std::string& peer : {a, b})
    messages += message(GetParam(), task_.put(peer), uint32_t(peer.size())) +
                std::string(GetParam() == Abi::kX86_64 ? 8 : 4, '\0');
  const auto bodies = run("sendmmsg", {3, task_.put(messages), 2, 0}, 2, GetParam());
  ASSERT_EQ(bodies.size(), 2u);
  EXPECT_EQ(std::get<SocketEvent>(bodies[0]).address, "1.1.1.1:53");
  EXPECT_EQ(std::get<SocketEvent>(bodies[1]).address, "2.2.2.2:53");
}

TEST_P(SocketMessages, ReceivedDescriptorsAreTold) {
  task_.open(7, fs_.file("/a"), O_RDWR);
  task_.open(8, fs_.file("/b"));
  const std::string data = rights(GetParam(), {7, 8});
  const uint64_t control = task_.put(data);
  const uint64_t addr = task_.put(message(GetParam(), 0, 0, control, data.size()));
  const auto bodies = run("recvmsg", {3, addr, 0}, 1, GetParam());
  ASSERT_EQ(bodies.size(), 2u);
  EXPECT_EQ(std::get<FdEvent>(bodies[0]), (FdEvent{FdOrigin::kReceived, 7, O_RDWR, fs_.ref("/a")}));
  EXPECT_EQ(std::get<FdEvent>(bodies[1]).file.path, "/b");
}

TEST_P(SocketMessages, RecvmmsgTellsTheDescriptorsOfEachMessageThatCame) {
  task_.open(7, fs_.file("/a"));
  task_.open(8, fs_.file("/b"));
  std::string messages;
  for (const int fd : {7, 8}) {
    const std::string data = rights(GetParam(), {fd});
    messages += message(GetParam(), 0, 0, task_.put(data), data.size()) +
                std::string(GetParam() == Abi::kX86_64 ? 8 : 4, '\0');
  }
  const uint64_t addr = task_.put(messages);
  EXPECT_EQ(run("recvmmsg", {3, addr, 2, 0, 0}, 2, GetParam()).size(), 2u);
  EXPECT_EQ(run("recvmmsg", {3, addr, 2, 0, 0}, 1, GetParam()).size(), 1u);
  EXPECT_TRUE(run("recvmmsg", {3, addr, 2, 0, 0}, -EAGAIN, GetParam()).empty());
}

TEST_P(SocketMessages, AReceiveWithoutRoomForDescriptorsIsNothing) {
  EXPECT_EQ(enter("recvmsg", {3, task_.put(message(GetParam(), 0, 0)), 0}, GetParam()), nullptr);
}

TEST_P(SocketMessages, DamagedControlDataIsNotFollowed) {
  for (const uint64_t size : {uint64_t{0}, uint64_t{3}, uint64_t{100000}, ~uint64_t{0}}) {
    std::string data = rights(GetParam(), {7});
    std::memcpy(data.data(), &size, GetParam() == Abi::kX86_64 ? 8 : 4);
    const uint64_t addr = task_.put(message(GetParam(), 0, 0, task_.put(data), data.size()));
    EXPECT_TRUE(run("recvmsg", {3, addr, 0}, 1, GetParam()).empty()) << size;
  }
}

TEST_P(SocketMessages, DescriptorsThatCannotBeSeenAreGaps) {
  const std::string data = rights(GetParam(), {99});
  const uint64_t addr = task_.put(message(GetParam(), 0, 0, task_.put(data), data.size()));
  EXPECT_EQ(one<GapEvent>(run("recvmsg", {3, addr, 0}, 1, GetParam())),
            (GapEvent{"received descriptor", "99"}));
  const uint64_t bad = task_.put(message(GetParam(), 0, 0, kNowhere, 64));
  EXPECT_EQ(one<GapEvent>(run("recvmsg", {3, bad, 0}, 1, GetParam())).what, "received descriptor");
}

std::string abi_name(const ::testing::TestParamInfo<Abi>& info) {
  constexpr const char* kNames[] = {"X86_64", "I386", "X32"};
  return kNames[info.index];
}
INSTANTIATE_TEST_SUITE_P(, SocketMessages, ::testing::Values(Abi::kX86_64, Abi::kI386, Abi::kX32),
                         abi_name);

class SocketMultiplexer : public SocketCalls {
 protected:
  Bodies call(uint32_t what, std::vector<uint32_t> args, int64_t result = 0) {
    const std::string bytes(reinterpret_cast<const char*>(args.data()), 4 * args.size());
    return run("socketcall", {what, task_.put(bytes)}, result, Abi::kI386);
  }
  uint32_t put32(const std::string& bytes) { return uint32_t(task_.put(bytes)); }
};

TEST_F(SocketMultiplexer, HasEveryCall) {
  const std::string peer = inet_address("1.2.3.4", 80);
  const auto size = uint32_t(peer.size());
  const uint32_t addr = put32(peer);
  EXPECT_EQ(one<SocketEvent>(call(SYS_CONNECT, {3, addr, size})).op, SocketOp::kConnect);
  EXPECT_EQ(one<SocketEvent>(call(SYS_BIND, {3, addr, size})).op, SocketOp::kBind);
  EXPECT_EQ(one<SocketEvent>(call(SYS_SENDTO, {3, 0, 0, 0, addr, size})).address, "1.2.3.4:80");
  const uint32_t send = put32(message32(addr, size, 0, 0) + std::string(4, '\0'));
  EXPECT_EQ(one<SocketEvent>(call(SYS_SENDMSG, {3, send, 0})).address, "1.2.3.4:80");
  EXPECT_EQ(one<SocketEvent>(call(SYS_SENDMMSG, {3, send, 1, 0})).address, "1.2.3.4:80");
  task_.open(7, fs_.file("/a"));
  const std::string data = rights(Abi::kI386, {7});
  const uint32_t receive = put32(message32(0, 0, put32(data), data.size()) + std::string(4, '\0'));
  EXPECT_EQ(one<FdEvent>(call(SYS_RECVMSG, {3, receive, 0}, 1)).fd, 7);
  EXPECT_EQ(one<FdEvent>(call(SYS_RECVMMSG, {3, receive, 1, 0, 0}, 1)).fd, 7);
  EXPECT_TRUE(call(SYS_SOCKET, {1, 1, 0}, 3).empty());
  EXPECT_TRUE(call(SYS_SENDTO, {3, 0, 0, 0, 0, 0}, 3).empty());
  EXPECT_TRUE(call(99, {}, 0).empty());
}

}  // namespace
}  // namespace fptrace
