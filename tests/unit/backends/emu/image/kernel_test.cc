#include "backends/emu/image/kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "backends/emu/image/initramfs.h"
#include "backends/emu/image/kernel_modules.h"
#include "backends/emu/qemu/command.h"

namespace fptrace::emu {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(PackageBehind, IsWhatAMetaPackageDependsOn) {
  EXPECT_EQ(package_behind("linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-9-cloud-amd64\n"),
            "linux-image-6.1.0-9-cloud-amd64");
  EXPECT_EQ(package_behind("linux-image-6.1.0-9\n  Depends: kmod\n |Depends: initramfs-tools\n"),
            "");
  EXPECT_EQ(package_behind(""), "");
}

TEST(ModuleDependencies, AreThoseOfModinfo) {
  using namespace std::string_literals;
  EXPECT_THAT(module_dependencies("\177ELF\0license=GPL\0depends=virtio,virtio-ring\0name=x\0"s),
              ElementsAre("virtio", "virtio_ring"));
  EXPECT_THAT(module_dependencies("\0depends=\0"s), ElementsAre());
  EXPECT_THAT(module_dependencies("\0depends=a"s), ElementsAre());
  EXPECT_THAT(module_dependencies(""), ElementsAre());
}

class Modules : public ::testing::Test {
 protected:
  Modules() {
    char name[] = "/tmp/modules_XXXXXX";
    directory_ = ::mkdtemp(name);
    fs::create_directories(directory_ + "/kernel/a");
  }
  ~Modules() override { fs::remove_all(directory_); }
  void add(const std::string& file, const std::string& depends) {
    std::ofstream(directory_ + "/kernel/a/" + file) << '\0' << "depends=" << depends << '\0';
  }
  std::vector<std::string> names(const std::vector<std::string>& wanted) {
    std::vector<std::string> out;
    const auto modules = collect_modules(directory_, wanted);
    if (!modules) return {modules.error().what};
    for (const auto& m : *modules) out.push_back(m.name);
    return out;
  }
  std::string directory_;
};

TEST_F(Modules, ComeAfterWhatTheyDependOnAndOnce) {
  add("virtio-blk.ko", "virtio");
  add("virtio.ko", "ring");
  add("ring.ko", "");
  EXPECT_THAT(names({"virtio_blk", "virtio"}), ElementsAre("ring", "virtio", "virtio_blk"));
}

TEST_F(Modules, ThatDependOnEachOtherAreNoEndlessWork) {
  add("a.ko", "b");
  add("b.ko", "a");
  EXPECT_THAT(names({"a"}), ElementsAre("b", "a"));
}

TEST_F(Modules, AreDecompressed) {
  add("a.ko", "");
  ASSERT_TRUE(run_command({"xz", directory_ + "/kernel/a/a.ko"}));
  const auto modules = collect_modules(directory_, {"a"});
  ASSERT_TRUE(modules) << modules.error().what;
  EXPECT_EQ(modules->front().bytes, std::string("\0depends=\0", 10));
}

TEST_F(Modules, BuiltInOnesAreNotNeededAndMissingOnesAnError) {
  std::ofstream(directory_ + "/modules.builtin") << "kernel/fs/ext4/ext4.ko\n";
  EXPECT_THAT(names({"ext4"}), ElementsAre());
  EXPECT_THAT(names({"virtio_blk"}), ElementsAre(HasSubstr("has no virtio_blk")));
}

TEST_F(Modules, InitramfsIsReadableByCpio) {
  const std::string path = directory_ + "/i";
  ASSERT_TRUE(write_initramfs(path, "init", {{"b", "1"}, {"a", "2"}}));
  const auto listed = run_command({"sh", "-c", "bsdtar -tf " + path});
  if (!listed) GTEST_SKIP() << listed.error().what;
  EXPECT_EQ(*listed, "dev\nproc\nsys\nmodules\ninit\nmodules/b.ko\nmodules/a.ko\nmodules/order\n");
  EXPECT_EQ(run_command({"bsdtar", "-xOf", path, "modules/order"}).value_or(""), "b.ko\na.ko\n");
}

TEST(FindKernel, ANamedOneMustBeReadable) {
  auto work = PrivateDirectory::make("/tmp");
  ASSERT_TRUE(work);
  const auto kernel = find_kernel({"/nowhere/vmlinuz", "/nowhere", ""}, *work);
  ASSERT_FALSE(kernel);
  EXPECT_THAT(kernel.error().what, HasSubstr("/nowhere/vmlinuz"));
}

TEST(FindKernel, APackageThatIsNoneIsSaidWithTheNextStep) {
  auto work = PrivateDirectory::make("/tmp");
  ASSERT_TRUE(work);
  const auto kernel = find_kernel({"", "", "no-such-package-of-a-kernel"}, *work);
  ASSERT_FALSE(kernel);
  EXPECT_THAT(kernel.error().what, HasSubstr("no kernel package"));
  EXPECT_THAT(kernel.error().what, HasSubstr("--kernel VMLINUZ --modules DIR"));
}

}  // namespace
}  // namespace fptrace::emu
