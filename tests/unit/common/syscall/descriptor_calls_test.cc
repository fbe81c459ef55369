#include <sys/mman.h>

#include "tests/unit/common/syscall/decoder_fixture.h"

namespace fptrace {
namespace {

class DescriptorCalls : public DecoderFixture {
 protected:
  DescriptorCalls() { task_.open(3, fs_.file("/lib/libx.so")); }
};

constexpr uint64_t kCode = PROT_READ | PROT_EXEC;

TEST_F(DescriptorCalls, ExecutableMappingsAreTold) {
  const auto e =
      one<MmapEvent>(run("mmap", {0, 0x2000, kCode, MAP_PRIVATE, 3, 0x1000}, 0x7f0000000000));
  EXPECT_EQ(
      e, (MmapEvent{fs_.ref("/lib/libx.so"), 0x7f0000000000, 0x2000, 0x1000, kCode, MAP_PRIVATE}));
}

TEST_F(DescriptorCalls, Mmap2CountsItsOffsetInPages) {
  const auto e =
      one<MmapEvent>(run("mmap2", {0, 0x2000, kCode, MAP_PRIVATE, 3, 2}, 0xf7000000, Abi::kI386));
  EXPECT_EQ(e.offset, 0x2000u);
  EXPECT_EQ(e.addr, 0xf7000000u);
}

TEST_F(DescriptorCalls, OldMmapHasItsArgumentsInMemory) {
  const uint32_t args[] = {0, 0x2000, kCode, MAP_PRIVATE, 3, 0x1000};
  const uint64_t addr = task_.put_value(args);
  const auto e = one<MmapEvent>(run("old_mmap", {addr}, 0xf7000000, Abi::kI386));
  EXPECT_EQ(e.file.path, "/lib/libx.so");
  EXPECT_EQ(e.offset, 0x1000u);
  const uint32_t anonymous[] = {0, 0x2000, kCode, MAP_PRIVATE | MAP_ANONYMOUS, 0xffffffff, 0};
  EXPECT_EQ(enter("old_mmap", {task_.put_value(anonymous)}, Abi::kI386), nullptr);
  const uint32_t data[] = {0, 0x2000, PROT_READ, MAP_PRIVATE, 3, 0};
  EXPECT_EQ(enter("old_mmap", {task_.put_value(data)}, Abi::kI386), nullptr);
  EXPECT_EQ(enter("old_mmap", {kNowhere}, Abi::kI386), nullptr);
}

TEST_F(DescriptorCalls, MappingsArePredictedWithoutAnAddress) {
  const std::array<uint64_t, 6> args = {0, 0x2000, kCode, MAP_PRIVATE | MAP_FIXED, 3, 0x1000};
  EXPECT_EQ(predicted("mmap", args), kSucceeded);
  EXPECT_EQ(one<MmapEvent>(run("mmap", args, kSucceeded)).addr, 0u);
}

TEST_F(DescriptorCalls, DoubtfulMappingsAreNotPredicted) {
  task_.open(4, fs_.ref("/lib/libx.so"), O_WRONLY);
  task_.open(5, fs_.special("/dev/x", S_IFCHR), O_RDWR);
  EXPECT_EQ(predicted("mmap", {0, 0x2000, kCode, MAP_PRIVATE, 4, 0}), std::nullopt);
  EXPECT_EQ(predicted("mmap", {0, 0x2000, kCode, MAP_PRIVATE, 5, 0}), std::nullopt);
  EXPECT_EQ(predicted("mmap", {0, 0, kCode, MAP_PRIVATE, 3, 0}), std::nullopt);
  EXPECT_EQ(predicted("mmap", {0, 0x2000, kCode, MAP_PRIVATE, 3, 5}), std::nullopt);
  EXPECT_EQ(predicted("mmap", {0, 0x2000, kCode, 0, 3, 0}), std::nullopt);
  EXPECT_EQ(enter("mmap", {0, 0x2000, kCode, MAP_PRIVATE, 99, 0}), nullptr);
  EXPECT_TRUE(run("mmap", {0, 0x2000, kCode, MAP_PRIVATE, 5, 0}, -ENODEV).empty());
}

TEST_F(DescriptorCalls, ListingsAreToldOnceTheyHaveEntries) {
  task_.open(6, fs_.ref("/lib"));
  for (const char* name : {"getdents", "getdents64"}) {
    EXPECT_EQ(one<ListEvent>(run(name, {6, 0x1000, 4096}, 48)).directory.path, "/lib");
    EXPECT_TRUE(run(name, {6, 0x1000, 4096}, 0).empty());
    EXPECT_TRUE(run(name, {6, 0x1000, 4096}, -EINVAL).empty());
    EXPECT_EQ(predicted(name, {6, 0x1000, 4096}), kSucceeded);
    EXPECT_EQ(run(name, {6, 0x1000, 4096}, kSucceeded).size(), 1u);
    EXPECT_EQ(enter(name, {3, 0x1000, 4096}), nullptr) << "not a directory";
  }
  EXPECT_EQ(one<ListEvent>(run("readdir", {6, 0x1000, 1}, 1, Abi::kI386)).directory.path, "/lib");
}

TEST_F(DescriptorCalls, DescriptorsTakenFromOthersAreTold) {
  task_.open(9, fs_.file("/theirs"), O_RDWR);
  const auto e = one<FdEvent>(run("pidfd_getfd", {5, 3, 0}, 9));
  EXPECT_EQ(e, (FdEvent{FdOrigin::kReceived, 9, O_RDWR, fs_.ref("/theirs")}));
  EXPECT_TRUE(run("pidfd_getfd", {5, 3, 0}, -EPERM).empty());
  EXPECT_EQ(one<GapEvent>(run("pidfd_getfd", {5, 3, 0}, 77)).what, "received descriptor");
}

}  // namespace
}  // namespace fptrace
