#include "backends/emu/qemu/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace fptrace::emu {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const MachineFiles kFiles{"/k", "/i", "/state,1", "/disk", "/ram,x", "/console"};

// What follows `option`, each time it is given.
std::vector<std::string> values(const std::vector<std::string>& args, const std::string& option) {
  std::vector<std::string> out;
  for (size_t i = 0; i + 1 < args.size(); ++i)
    if (args[i] == option) out.push_back(args[i + 1]);
  return out;
}

TEST(CommandLine, BootsAsARecordingThatDoesNotWait) {
  Launch launch;
  launch.log = "/log";
  const auto args = command_line({}, kFiles, launch);
  EXPECT_THAT(values(args, "-icount"), ElementsAre("shift=5,rr=record,rrfile=/log"));
  EXPECT_EQ(std::ranges::count(args, "-S"), 0);
}

TEST(CommandLine, MemoryThatIsPrivateIsOnlyRead) {
  MachineFiles files = kFiles;
  EXPECT_THAT(values(command_line({}, files, {}), "-object"),
              ElementsAre(HasSubstr("share=on,mem-path=/ram,,x,")));
  files.ram_is_private = true;
  EXPECT_THAT(values(command_line({}, files, {}), "-object"),
              ElementsAre(HasSubstr("share=off,readonly=on,rom=off,mem-path=/ram,,x,")));
}

TEST(CommandLine, RecordsAndReplaysOnceAStateIsRestored) {
  Launch launch;
  launch.log = "/l,og";
  launch.mode = Mode::kRecord;
  auto args = command_line({}, kFiles, launch);
  EXPECT_THAT(values(args, "-icount"), ElementsAre("shift=5,rr=record,rrfile=/l,,og"));
  EXPECT_EQ(std::ranges::count(args, "-S"), 1);
  launch.mode = Mode::kReplay;
  args = command_line({}, kFiles, launch);
  EXPECT_THAT(values(args, "-icount"), ElementsAre("shift=5,rr=replay,rrfile=/l,,og"));
  EXPECT_EQ(std::ranges::count(args, "-S"), 1);
}

TEST(CommandLine, HasTheSameDevicesInEveryMode) {
  Launch record;
  record.mode = Mode::kRecord;
  const auto boot = command_line({}, kFiles, {});
  auto again = command_line({}, kFiles, record);
  // The guest does not see it.
  const std::string copy = ",copy-on-read=on";
  for (auto& arg : again)
    if (const size_t at = arg.find(copy); at != arg.npos) arg.erase(at, copy.size());
  for (const char* option : {"-device", "-drive", "-machine", "-object", "-cpu", "-m", "-append"})
    EXPECT_EQ(values(boot, option), values(again, option)) << option;
}

TEST(CommandLine, PassesPluginsOnAndDoublesCommasOfPaths) {
  Launch launch;
  launch.plugins = {"file=/p.so,channel=/c"};
  const auto args = command_line({}, kFiles, launch);
  EXPECT_THAT(values(args, "-plugin"), ElementsAre("file=/p.so,channel=/c"));
  EXPECT_THAT(values(args, "-object"), Contains(HasSubstr("mem-path=/ram,,x,")));
  EXPECT_THAT(values(args, "-drive"), Contains(HasSubstr("file=/state,,1")));
}

TEST(Machine, DifferencesNameBothSides) {
  Machine a, b;
  EXPECT_THAT(differences(a, b), ElementsAre());
  b.cpu = "max";
  b.memory_mib = 512;
  EXPECT_THAT(differences(a, b),
              ElementsAre("the recording's CPU is qemu64, the image's max",
                          "the recording's memory is 1024 MiB, the image's 512 MiB"));
}

TEST(Machine, WhatCannotBeIsRefused) {
  EXPECT_TRUE(check(Machine{}));
  EXPECT_FALSE(check(Machine{"", 1024, 5}));
  EXPECT_FALSE(check(Machine{"qemu64 -daemonize", 1024, 5}));
  EXPECT_FALSE(check(Machine{"qemu64", 64, 5}));
  EXPECT_FALSE(check(Machine{"qemu64", 8192, 5}));
  EXPECT_FALSE(check(Machine{"qemu64", 1024, 40}));
}

}  // namespace
}  // namespace fptrace::emu
