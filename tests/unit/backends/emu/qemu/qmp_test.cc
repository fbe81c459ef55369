#include "backends/emu/qemu/qmp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace fptrace::emu {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A monitor that has said its lines beforehand.
class QmpTest : public ::testing::Test {
 protected:
  QmpTest() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) std::abort();
    monitor_ = UniqueFd(fds[0]);
    qmp_.emplace(UniqueFd(fds[1]));
  }
  void say(const std::string& text) {
    ASSERT_EQ(::write(monitor_.get(), text.data(), text.size()), ssize_t(text.size()));
  }
  static Qmp::Deadline soon() { return steady_clock::now() + seconds(10); }
  UniqueFd monitor_;
  std::optional<Qmp> qmp_;
};

TEST_F(QmpTest, KeepsEventsThatComeBeforeTheAnswer) {
  say("{\"event\":\"RESUME\"}\r\n{\"event\":\"STOP\"}\r\n{\"return\":{\"a\":1}}\r\n");
  const auto answer = qmp_->execute("stop", "", soon());
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, "{\"a\":1}");
  EXPECT_THAT(qmp_->events(), ElementsAre("RESUME", "STOP"));
  EXPECT_THAT(qmp_->events(), ElementsAre());
}

TEST_F(QmpTest, ARefusalSaysWhatWasRefusedAndWhy) {
  say("{\"error\":{\"class\":\"GenericError\",\"desc\":\"no such thing\"}}\n");
  const auto answer = qmp_->execute("frobnicate", "", soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().what, "QEMU refuses frobnicate: no such thing");
}

TEST_F(QmpTest, WhatAHumanCommandPrintsIsItsError) {
  say("{\"return\":\"\"}\n{\"return\":\"Error: no state\\r\\n\"}\n");
  EXPECT_TRUE(qmp_->human("savevm a", soon()));
  const auto failed = qmp_->human("savevm b", soon());
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().what, "QEMU: savevm b: Error: no state");
}

TEST_F(QmpTest, NonsenseSilenceAndTheEndAreErrors) {
  say("[]\n");
  EXPECT_FALSE(qmp_->execute("quit", "", soon()));
  EXPECT_FALSE(qmp_->execute("quit", "", steady_clock::now() + milliseconds(20)));
  monitor_ = UniqueFd();
  EXPECT_FALSE(qmp_->execute("quit", "", soon()));
}

}  // namespace
}  // namespace fptrace::emu
