#include "fingerprint/pack/installable.h"

#include <gmock/gmock.h>

#include "fingerprint/pack/deb.h"

namespace fptrace::pack {
namespace {

using ::testing::HasSubstr;

TEST(MadeByPackages, AreCachesAndAccounts) {
  for (const char* path : {"/etc/ld.so.cache", "/etc/passwd", "/etc/alternatives/awk",
                           "/usr/lib/python3/dist-packages/__pycache__/x.pyc",
                           "/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache"})
    EXPECT_TRUE(is_made_by_packages(path)) << path;
  for (const char* path : {"/etc/app.conf", "/home/u/__pycache__/x.pyc", "/opt/x", "/usr/bin/own"})
    EXPECT_FALSE(is_made_by_packages(path)) << path;
}

TEST(DebControl, DependsOnThePackages) {
  Installable what;
  what.arch = "amd64";
  what.packages = {{"dpkg", "libc6", "2.36-9", "amd64"},
                   {"dpkg", "libc6", "2.36-9", "i386"},
                   {"dpkg", "tzdata", "1:2025b", "all"}};
  const DebInfo info{"fptrace-x", "1.0", "A B <a@b.example>", 0};
  PackCommand command;
  command.name = "x";
  const std::string control = deb_control(info, command, what, 2049);
  EXPECT_THAT(control, HasSubstr("\nDepends: libc6 (>= 2.36-9), libc6:i386 (>= 2.36-9), "
                                 "tzdata (>= 1:2025b)\n"));
  EXPECT_THAT(control, HasSubstr("\nInstalled-Size: 3\n"));
  EXPECT_THAT(control, HasSubstr("\nArchitecture: amd64\n"));
}

TEST(DebInfo, HoldsToThePolicy) {
  EXPECT_TRUE(check_deb_info({"fptrace-ls", "1.0~rc1", "", 0}));
  EXPECT_TRUE(check_deb_info({deb_name("G++-Main_x"), "0", "", 0}));
  for (const char* name : {"", "a", "A-b", "-ab", "a_b", "a b"})
    EXPECT_FALSE(check_deb_info({name, "1", "", 0})) << name;
  for (const char* version : {"", "x1", "1 2", "1_2"})
    EXPECT_FALSE(check_deb_info({"ab", version, "", 0})) << version;
}

}  // namespace
}  // namespace fptrace::pack
