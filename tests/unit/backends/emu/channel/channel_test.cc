// Both ends of the channel, each in a process of its own.
#include "backends/emu/channel/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <random>

#include "backends/emu/plugin/guest_ram.h"
#include "backends/emu/plugin/plugin_channel.h"

namespace fptrace::emu {
namespace {

constexpr int kRefused = 77;

class ChannelTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "fptrace-channel-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path() const { return directory_ + "/channel"; }
  Result<Channel> create() { return Channel::create(path(), true); }

  // A process that is the plugin: connects, does `body`, and ends.
  pid_t plugin(const std::function<void(Wire&)>& body) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    // What execve would close, the host's lock above all.
    for (int fd = 3; fd < 256; ++fd)
      if (const int flags = ::fcntl(fd, F_GETFD); flags >= 0 && (flags & FD_CLOEXEC)) ::close(fd);
    Wire* wire = nullptr;
    if (connect_channel(path().c_str(), &wire)) ::_exit(kRefused);
    body(*wire);
    ::_exit(0);
  }
  static void stop(Wire& wire, StopKind kind, uint64_t count) {
    wire.stop.kind = kind;
    wire.stop.count = count;
    yield_turn(wire);
  }
  // Exit code, or -signal.
  static int end_of(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  std::string directory_;
};

TEST_F(ChannelTest, EveryStopIsSeenInOrderAndAnswered) {
  auto channel = create();
  ASSERT_TRUE(channel) << channel.error().what;
  constexpr uint64_t kStops = 20000;
  const pid_t pid = plugin([](Wire& wire) {
    for (uint64_t i = 1; i <= kStops; ++i) {
      stop(wire, StopKind::kSyscall, i);
      if (wire.current_paddr != i) ::_exit(1);  // the answer was not there
    }
  });
  for (uint64_t i = 1; i <= kStops; ++i) {
    ASSERT_EQ(channel->wait({}), Channel::Wait::kStopped);
    ASSERT_EQ(channel->stop().count, i);
    channel->set_current_paddr(i);
    channel->resume();
  }
  EXPECT_EQ(channel->wait({}), Channel::Wait::kGone);
  EXPECT_EQ(end_of(pid), 0);
}

// Adds up the mail's first args[0] bytes.
bool add_up(Wire& wire, Request& request) {
  if (request.kind != uint32_t(RequestKind::kFind)) return false;
  if (request.args[0] > kMailSize) {
    request.error = EINVAL;
    return true;
  }
  request.reply[0] = 0;
  for (uint64_t i = 0; i < request.args[0]; ++i) request.reply[0] += wire.mail[i];
  wire.mail[0] = 99;
  return true;
}

TEST_F(ChannelTest, RequestsAreAnsweredWhileTheGuestStandsStill) {
  auto channel = create();
  ASSERT_TRUE(channel) << channel.error().what;
  const pid_t pid = plugin([](Wire& wire) {
    add_request_handler(add_up);
    for (uint64_t i = 1; i <= 3; ++i) stop(wire, StopKind::kSyscall, i);
  });
  for (uint64_t i = 1; i <= 3; ++i) {
    ASSERT_EQ(channel->wait({}), Channel::Wait::kStopped);
    for (uint8_t n = 1; n <= 3; ++n) {
      std::fill_n(channel->mail().begin(), n, n);
      Request request{uint32_t(RequestKind::kFind), 0, {n}, {}};
      ASSERT_TRUE(channel->ask(request));
      EXPECT_EQ(request.reply[0], uint64_t(n) * n);
      EXPECT_EQ(channel->mail()[0], 99);
    }
    EXPECT_EQ(channel->stop().count, i);
    channel->resume();
  }
  EXPECT_EQ(channel->wait({}), Channel::Wait::kGone);
  EXPECT_EQ(end_of(pid), 0);
}

TEST_F(ChannelTest, RequestThatFailsOrIsUnknownIsAnError) {
  auto channel = create();
  ASSERT_TRUE(channel) << channel.error().what;
  const pid_t pid = plugin([](Wire& wire) {
    add_request_handler(add_up);
    stop(wire, StopKind::kSyscall, 1);
  });
  ASSERT_EQ(channel->wait({}), Channel::Wait::kStopped);
  Request unknown{uint32_t(RequestKind::kTaint), 0, {}, {}};
  const auto refused = channel->ask(unknown);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().sys, EOPNOTSUPP);
  Request bad{uint32_t(RequestKind::kFind), 0, {kMailSize + 1}, {}};
  const auto invalid = channel->ask(bad);
  ASSERT_FALSE(invalid);
  EXPECT_EQ(invalid.error().sys, EINVAL);
  channel->resume();
  EXPECT_EQ(channel->wait({}), Channel::Wait::kGone);
  EXPECT_EQ(end_of(pid), 0);
}

TEST_F(ChannelTest, NoReportIsLostHoweverMany) {
  auto channel = create();
  ASSERT_TRUE(channel) << channel.error().what;
  constexpr uint64_t kReports = 2 * kMostReports + 5;
  const pid_t pid = plugin([](Wire& wire) {
    for (uint64_t i = 1; i <= kReports; ++i)
      add_report(wire, {uint32_t(ReportKind::kFound), 0, i, 0, 0, {i * i}});
    stop(wire, StopKind::kEnd, kReports);
  });
  uint64_t seen = 0, full = 0;
  while (channel->wait({}) == Channel::Wait::kStopped) {
    for (const Report& report : channel->reports()) {
      ASSERT_EQ(report.count, ++seen);
      ASSERT_EQ(report.values[0], seen * seen);
    }
    full += channel->stop().kind == StopKind::kReports;
    channel->clear_reports();
    channel->resume();
  }
  EXPECT_EQ(seen, kReports);
  EXPECT_EQ(full, 2u);
  EXPECT_EQ(end_of(pid), 0);
}

TEST_F(ChannelTest, PluginThatDiesIsNoticed) {
  auto channel = create();
  ASSERT_TRUE(channel);
  const pid_t pid = plugin([](Wire& wire) {
    stop(wire, StopKind::kReady, 0);
    ::raise(SIGKILL);
  });
  ASSERT_EQ(channel->wait({}), Channel::Wait::kStopped);
  channel->resume();
  EXPECT_EQ(channel->wait({}), Channel::Wait::kGone);
  EXPECT_EQ(end_of(pid), -SIGKILL);
}

TEST_F(ChannelTest, PluginEndsWhenTheHostDiesWhileTheGuestIsStopped) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t host = ::fork();
  if (host == 0) {
    auto channel = create();
    const pid_t pid = plugin([](Wire& wire) { stop(wire, StopKind::kReady, 0); });
    if (!channel || channel->wait({}) != Channel::Wait::kStopped) ::_exit(1);
    (void)!::write(ends[1], &pid, sizeof pid);
    ::raise(SIGKILL);
  }
  ::close(ends[1]);
  pid_t pid = 0;
  ASSERT_EQ(::read(ends[0], &pid, sizeof pid), ssize_t(sizeof pid));
  EXPECT_EQ(end_of(host), -SIGKILL);
  // The plugin holds the pipe's other end for as long as it lives.
  char byte;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0);
  ::close(ends[0]);
}

TEST_F(ChannelTest, PluginEndsWhenTheHostDiesWhileTheGuestRuns) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t host = ::fork();
  if (host == 0) {
    auto channel = create();
    const pid_t pid = plugin([](Wire& wire) {
      stop(wire, StopKind::kReady, 0);
      for (;;) ::pause();
    });
    if (!channel || channel->wait({}) != Channel::Wait::kStopped) ::_exit(1);
    channel->resume();
    (void)!::write(ends[1], &pid, sizeof pid);
    ::raise(SIGKILL);
  }
  ::close(ends[1]);
  pid_t pid = 0;
  ASSERT_EQ(::read(ends[0], &pid, sizeof pid), ssize_t(sizeof pid));
  EXPECT_EQ(end_of(host), -SIGKILL);
  char byte;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0);
  ::close(ends[0]);
}

TEST_F(ChannelTest, HostThatClosesItsEndEndsThePlugin) {
  pid_t pid = 0;
  {
    auto channel = create();
    ASSERT_TRUE(channel);
    pid = plugin([](Wire& wire) {
      stop(wire, StopKind::kReady, 0);
      ::_exit(1);  // not reached
    });
    ASSERT_EQ(channel->wait({}), Channel::Wait::kStopped);
  }
  EXPECT_EQ(end_of(pid), 0);
}

TEST_F(ChannelTest, AnotherVersionIsRefusedAndTold) {
  auto channel = create();
  ASSERT_TRUE(channel);
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offsetof(Wire, version));
    const uint32_t other = kWireVersion + 1;
    file.write(reinterpret_cast<const char*>(&other), sizeof other);
  }
  EXPECT_EQ(channel->plugin_version(), 0u);
  EXPECT_EQ(end_of(plugin([](Wire&) {})), kRefused);
  EXPECT_EQ(channel->plugin_version(), kWireVersion);
}

TEST_F(ChannelTest, FileOfAnotherKindIsRefused) {
  std::ofstream(path()) << "hello";
  EXPECT_EQ(end_of(plugin([](Wire&) {})), kRefused);
}

TEST_F(ChannelTest, SecondPluginIsRefused) {
  auto channel = create();
  ASSERT_TRUE(channel);
  const pid_t first = plugin([](Wire& wire) { stop(wire, StopKind::kReady, 0); });
  ASSERT_EQ(channel->wait({}), Channel::Wait::kStopped);
  EXPECT_EQ(end_of(plugin([](Wire&) {})), kRefused);
  channel->resume();
  EXPECT_EQ(end_of(first), 0);
}

TEST_F(ChannelTest, WaitCanBeCalledOff) {
  auto channel = create();
  ASSERT_TRUE(channel);
  EXPECT_EQ(channel->wait([] { return true; }), Channel::Wait::kCalledOff);
}

TEST_F(ChannelTest, FileThatExistsIsLeftAlone) {
  std::ofstream(path()) << "mine";
  const auto channel = create();
  ASSERT_FALSE(channel);
  EXPECT_EQ(channel.error().sys, EEXIST);
  EXPECT_EQ(std::filesystem::file_size(path()), 4u);
}

// Against a plain map, through the same search that the plugin does.
TEST_F(ChannelTest, TaskTableHoldsWhatWasSetAndNothingElse) {
  auto channel = create();
  ASSERT_TRUE(channel);
  std::mt19937_64 random(1);
  std::map<uint64_t, uint32_t> expected;
  for (int step = 0; step < 60000; ++step) {
    // Few addresses, so that they meet and are used again.
    const uint64_t task = 0xffff888000000000 + 0x2400 * (random() % 9000);
    if (random() % 3 == 0) {
      channel->forget_task(task);
      expected.erase(task);
    } else {
      const auto flags = uint32_t(random() % 4);
      ASSERT_TRUE(channel->set_task(task, flags));
      expected[task] = flags;
    }
  }
  const pid_t pid = plugin([&](Wire& wire) {
    for (uint64_t i = 0; i < 9000; ++i) {
      const uint64_t task = 0xffff888000000000 + 0x2400 * i;
      const auto found = expected.find(task);
      const uint32_t flags = task_flags(wire, task);
      if (flags != (found == expected.end() ? 0 : found->second)) ::_exit(1);
    }
  });
  EXPECT_EQ(end_of(pid), 0);
}

// A bit for each of the calls 9, 10 and 11, made with these arguments.
int interest(Wire& wire, uint64_t rdx, uint64_t r10) {
  static uint64_t values[16];
  values[kRdx] = rdx;
  values[kR10] = r10;
  int bits = 0;
  for (int i = 0; i < 3; ++i)
    bits |= is_interesting(wire, 0, uint64_t(9 + i), [](Gpr gpr) { return values[gpr]; }) << i;
  return bits;
}

TEST_F(ChannelTest, CallIsInterestingIfItsTestsHold) {
  auto channel = create();
  ASSERT_TRUE(channel);
  channel->set_interesting_if({0, 9, kRdx, 0, 4, 4});
  channel->set_interesting_if({0, 9, kR10, 1, 32, 32});
  channel->set_interesting_if({1, 10, kRdx, 0, 0, 0});  // of another interface
  channel->set_interesting(0, 11);
  channel->set_interesting_if({0, 11, kRdx, 0, 4, 4});  // makes no difference
  const auto seen = [&](uint64_t rdx, uint64_t r10) {
    return end_of(plugin([=](Wire& wire) { ::_exit(interest(wire, rdx, r10)); }));
  };
  EXPECT_EQ(seen(5, 2), 0b101);
  EXPECT_EQ(seen(1, 2), 0b100);
  EXPECT_EQ(seen(5, 34), 0b100);
}

TEST_F(ChannelTest, CallIsInterestingIfThereIsNoRoomForItsTests) {
  auto channel = create();
  ASSERT_TRUE(channel);
  for (uint32_t i = 0; i < kMostCallTests; ++i) channel->set_interesting_if({0, 10, kRdx, 0, 1, 1});
  channel->set_interesting_if({0, 9, kRdx, 0, 1, 1});
  EXPECT_EQ(end_of(plugin([](Wire& wire) { ::_exit(interest(wire, 0, 0)); })), 0b001);
}

TEST_F(ChannelTest, CallThatIsToldLateIsTestedLikewise) {
  auto channel = create();
  ASSERT_TRUE(channel);
  channel->tell_late(0, 9);
  channel->tell_late_if({0, 10, kRdx, 0, 3, 0});
  const pid_t pid = plugin([](Wire& wire) {
    const auto is_late = [&wire](uint64_t nr, uint64_t (*rdx)(Gpr)) {
      return is_told_late(wire, 0, nr, rdx);
    };
    const auto reads = [](Gpr) -> uint64_t { return 4; };
    const auto writes = [](Gpr) -> uint64_t { return 5; };
    if (!is_late(9, reads) || !is_late(9, writes)) ::_exit(1);
    if (!is_late(10, reads) || is_late(10, writes)) ::_exit(2);
    if (is_late(11, reads) || is_late(kMostCalls, reads) || is_late(~0ull, reads)) ::_exit(3);
  });
  EXPECT_EQ(end_of(pid), 0);
  for (uint32_t i = 0; i < kMostCallTests; ++i) channel->tell_late_if({0, 12, kRdx, 0, 1, 1});
  channel->tell_late_if({0, 13, kRdx, 0, 0, 0});
  const auto any = [](Gpr) -> uint64_t { return 0; };
  EXPECT_EQ(end_of(plugin([&](Wire& wire) { ::_exit(is_told_late(wire, 0, 13, any)); })), 0);
}

// Whether the host sleeps, looks or is on its way between the two when that is said.
TEST_F(ChannelTest, StopsThatAreAnnouncedAreSeenLikeOthers) {
  auto channel = create();
  ASSERT_TRUE(channel);
  constexpr uint64_t kStops = 3000;
  const pid_t pid = plugin([](Wire& wire) {
    std::mt19937 random(1);
    for (uint64_t i = 1; i <= kStops; ++i) {
      ::usleep(uint32_t(random() % 400));
      announce_stop(wire);
      if (i % 3 == 0) announce_stop(wire);
      if (i % 2 == 0) ::usleep(uint32_t(random() % 400));
      stop(wire, StopKind::kSyscall, i);
    }
  });
  for (uint64_t i = 1; i <= kStops; ++i) {
    ASSERT_EQ(channel->wait({}), Channel::Wait::kStopped);
    ASSERT_EQ(channel->stop().count, i);
    channel->resume();
  }
  EXPECT_EQ(channel->wait({}), Channel::Wait::kGone);
  EXPECT_EQ(end_of(pid), 0);
}

TEST_F(ChannelTest, FullTaskTableIsAnError) {
  auto channel = create();
  ASSERT_TRUE(channel);
  Result<void> ok;
  uint64_t task = 0;
  for (; ok && task <= kTaskSlots; ++task) ok = channel->set_task(0x1000 + task * 64, 0);
  ASSERT_FALSE(ok);
  EXPECT_EQ(ok.error().code, Errc::kBackend);
  EXPECT_GT(task, 8000u);
}

TEST_F(ChannelTest, GuestMemoryIsReadByPhysicalAddress) {
  auto channel = create();
  ASSERT_TRUE(channel);
  const std::string ram = path() + ".ram";
  {
    std::ofstream file(ram, std::ios::binary);
    for (uint64_t i = 0; i < 1024; ++i) file.write(reinterpret_cast<const char*>(&i), sizeof i);
  }
  ASSERT_TRUE(channel->set_ram({ram, 8192, 4096}));
  const pid_t pid = plugin([](Wire& wire) {
    GuestRam memory;
    if (!memory.open(wire)) ::_exit(1);
    if (memory.read_u64(8) != 1 || memory.read_u64(4088) != 511) ::_exit(2);
    if (memory.read_u64(4089) != 0 || memory.read_u64(~0ull) != 0) ::_exit(3);  // beyond the end
    if (memory.read_u64(1ull << 32) != 512) ::_exit(4);
    if (memory.read_u64((1ull << 32) + 4089) != 0) ::_exit(5);
    wire.ram_size = 1 << 20;  // more than the file has
    if (GuestRam().open(wire)) ::_exit(6);
  });
  EXPECT_EQ(end_of(pid), 0);
}

}  // namespace
}  // namespace fptrace::emu
