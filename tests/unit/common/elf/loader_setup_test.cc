#include "common/elf/loader_setup.h"

#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fptrace {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ElfKind kX86{true, true, EM_X86_64, 0};

TEST(LoaderDirectories, AreReadFromTheImage) {
  EXPECT_THAT(loader_directories("x\0/lib/ld.so\0/lib32/\0/usr/lib32/\0/lib/\0/usr/lib/\0GLIBC\0"s),
              ElementsAre("/lib32", "/usr/lib32", "/lib", "/usr/lib"));
}

TEST(LoaderDirectories, OneNameIsNoTable) {
  EXPECT_THAT(loader_directories("\0/lib/\0x"s), IsEmpty());
  EXPECT_THAT(loader_directories("\0/lib/\0/usr/li"s), IsEmpty());
  EXPECT_THAT(loader_directories(""), IsEmpty());
}

TEST(X86Hwcaps, FollowTheProcessorsFlags) {
  const std::string v2 = "x\nflags\t\t: cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3";
  const std::string v3 = v2 + " avx avx2 bmi1 bmi2 f16c fma abm movbe";
  EXPECT_THAT(x86_hwcaps("flags : fpu\n"), IsEmpty());
  EXPECT_THAT(x86_hwcaps(v2 + "\nbugs : avx avx2"), ElementsAre("x86-64-v2"));
  EXPECT_THAT(x86_hwcaps(v3), ElementsAre("x86-64-v3", "x86-64-v2"));
  EXPECT_THAT(x86_hwcaps(v3 + " avx512f avx512bw avx512cd avx512dq avx512vl"),
              ElementsAre("x86-64-v4", "x86-64-v3", "x86-64-v2"));
  EXPECT_THAT(x86_hwcaps(""), IsEmpty());
}

TEST(LoaderSetup, WithoutAnImageDebiansDirectoriesComeFirst) {
  const LoaderSetup s = loader_setup(kX86, "/lib64/ld-linux-x86-64.so.2", {}, {});
  EXPECT_FALSE(s.musl);
  EXPECT_THAT(s.default_directories,
              ElementsAre("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64",
                          "/usr/lib64", "/lib", "/usr/lib"));
  EXPECT_EQ(s.lib, "lib/x86_64-linux-gnu");
  EXPECT_EQ(s.cache_flags, 0x0303u);
}

TEST(LoaderSetup, LibIsTheTailOfTheLoadersFirstDirectory) {
  const LoaderSetup s = loader_setup({false, true, EM_386, 0}, "/lib/ld-linux.so.2",
                                     {"/lib32", "/usr/lib32", "/lib", "/usr/lib"}, {});
  EXPECT_EQ(s.lib, "lib32");
  EXPECT_EQ(s.cache_flags, 0x0003u);
  EXPECT_THAT(s.platforms, ElementsAre("i686"));
}

TEST(LoaderSetup, ArmsTwoFloatAbisAreTwoKinds) {
  EXPECT_EQ(loader_setup({false, true, EM_ARM, 0x05000400}, "", {}, {}).cache_flags, 0x0903u);
  EXPECT_EQ(loader_setup({false, true, EM_ARM, 0x05000200}, "", {}, {}).cache_flags, 0x0b03u);
}

TEST(LoaderSetup, UnknownMachineHasOnlyTheCommonDirectories) {
  const LoaderSetup s = loader_setup({false, false, EM_SPARC, 0}, "/lib/ld.so.1", {}, {});
  EXPECT_THAT(s.default_directories, ElementsAre("/lib", "/usr/lib"));
  EXPECT_FALSE(s.cache_flags);
}

TEST(LoaderSetup, MuslReadsAPathFileBesideItsLibDirectory) {
  EXPECT_EQ(loader_setup(kX86, "/lib/ld-musl-x86_64.so.1", {}, {}).path_file,
            "/etc/ld-musl-x86_64.path");
  const LoaderSetup s = loader_setup(kX86, "/opt/m/lib/ld-musl-aarch64.so.1", {}, {});
  EXPECT_TRUE(s.musl);
  EXPECT_EQ(s.path_file, "/opt/m/etc/ld-musl-aarch64.path");
  EXPECT_THAT(s.default_directories, ElementsAre("/lib", "/usr/local/lib", "/usr/lib"));
}

}  // namespace
}  // namespace fptrace
