#include "backends/emu/osi/guest_kernel.h"

#include <gtest/gtest.h>

#include "tests/support/fake_guest.h"

namespace fptrace::emu {
namespace {

using testing::FakeGuest;
using testing::FakeKernelOptions;

std::string error_of(const FakeGuest& guest) {
  const auto kernel = GuestKernel::find(guest.memory());
  return kernel ? "" : kernel.error().what;
}

TEST(GuestKernel, IsFoundByWhatItSaysOfItself) {
  FakeGuest guest;
  const uint64_t task = guest.task(7, "seven");
  guest.run(task);
  const auto memory = guest.memory();
  const auto kernel = GuestKernel::find(memory);
  ASSERT_TRUE(kernel) << kernel.error().what;
  EXPECT_EQ(kernel->release(), "6.66.0-fake");
  EXPECT_EQ(kernel->init_task(), guest.symbol("init_task"));
  EXPECT_EQ(kernel->current(guest.gs_base()), task);
  EXPECT_EQ(kernel->current_of_first_cpu(), task);
}

TEST(GuestKernel, TakesBothKindsOfSymbolTables) {
  FakeGuest guest({.counted_offsets = true});
  const uint64_t task = guest.task(7, "seven");
  guest.run(task);
  const auto memory = guest.memory();
  const auto kernel = GuestKernel::find(memory);
  ASSERT_TRUE(kernel) << kernel.error().what;
  EXPECT_EQ(kernel->symbol("vmemmap_base"), guest.symbol("vmemmap_base"));
  EXPECT_EQ(kernel->current(guest.gs_base()), task) << "per-CPU symbols do not begin at 0";
}

TEST(GuestKernel, NamesTheFunctionsThatAddressesLieIn) {
  for (const bool counted : {false, true}) {
    FakeGuest guest({.counted_offsets = counted});
    const auto memory = guest.memory();
    const auto kernel = GuestKernel::find(memory);
    ASSERT_TRUE(kernel) << kernel.error().what;
    const uint64_t text = guest.symbol("_stext"), end = guest.symbol("_etext");
    const auto names = kernel->name_code({text, text + 5, end, text - 1, 0});
    ASSERT_EQ(names.size(), 2u);
    EXPECT_EQ(names.at(text).function, "_stext");
    EXPECT_EQ(names.at(text + 5).function, "_stext");
    EXPECT_EQ(names.at(text + 5).offset, 5u);
  }
}

TEST(GuestKernel, TakesBothHomesOfTheCurrentTask) {
  FakeGuest guest({.own_current = true});
  const uint64_t task = guest.task(7, "seven");
  guest.run(task);
  const auto memory = guest.memory();
  const auto kernel = GuestKernel::find(memory);
  ASSERT_TRUE(kernel) << kernel.error().what;
  EXPECT_EQ(kernel->current_of_first_cpu(), task);
}

TEST(GuestKernel, LooksPastPagesThatOnlyBeginLikeIt) {
  FakeGuest guest;
  guest.poke_text(FakeGuest::kDirectMap + 0x2000, "OSRELEASE=9.9.9\nSYMBOL(swapper_pg_dir)=1000\n");
  guest.poke_text(FakeGuest::kDirectMap + 0x3000, "OSRELEASE=9.9.9\n");
  const auto memory = guest.memory();
  const auto kernel = GuestKernel::find(memory);
  ASSERT_TRUE(kernel) << kernel.error().what;
  EXPECT_EQ(kernel->release(), "6.66.0-fake");
}

TEST(GuestKernel, EmptyMemoryHasNone) {
  const std::vector<std::byte> bytes(1 << 20);
  const auto memory = GuestMemory::over(bytes);
  const auto kernel = GuestKernel::find(memory);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().what,
            "no Linux kernel in the guest's memory: it has no VMCOREINFO (has the guest booted?)");
}

TEST(GuestKernel, WithoutBtfIsAnErrorThatNamesTheKernel) {
  EXPECT_EQ(error_of(FakeGuest({.without = "btf"})), "the guest's kernel 6.66.0-fake has no BTF");
}

TEST(GuestKernel, AMissingMemberIsAnErrorThatNamesIt) {
  EXPECT_EQ(error_of(FakeGuest({.without = "task_struct.comm"})),
            "the kernel's BTF has no task_struct.comm");
  EXPECT_EQ(error_of(FakeGuest({.without = "maple_range_64.slot"})),
            "the kernel's BTF has no mm_struct.mm_mt or mm_struct.mmap");
  EXPECT_EQ(error_of(FakeGuest({.without = "dentry.d_sib"})),
            "the kernel's BTF has no dentry.d_children or dentry.d_subdirs");
}

TEST(GuestKernel, DoesWithoutWhatNotEveryKernelHas) {
  EXPECT_EQ(error_of(FakeGuest({.without = "vm_area_struct.anon_name"})), "");
  EXPECT_EQ(error_of(FakeGuest({.without = "address_space.i_pages"})), "");
}

TEST(GuestKernel, BtfFromElsewhereIsTakenInsteadOfTheGuests) {
  FakeGuest guest({.without = "btf"});
  FakeGuest same;
  const auto same_memory = same.memory();
  const auto same_kernel = GuestKernel::find(same_memory);
  ASSERT_TRUE(same_kernel);
  std::vector<std::byte> bytes(same.symbol("__stop_BTF") - same.symbol("__start_BTF"));
  ASSERT_EQ(same_kernel->read(same.symbol("__start_BTF"), bytes), bytes.size());
  const auto types = BtfTypes::parse(bytes);
  ASSERT_TRUE(types) << types.error().what;
  const auto memory = guest.memory();
  const auto kernel = GuestKernel::find(memory, &*types);
  ASSERT_TRUE(kernel) << kernel.error().what;
  EXPECT_EQ(kernel->layout().task.pid.offset, same_kernel->layout().task.pid.offset);
}

TEST(GuestKernel, NumbersAreReadInTheirSize) {
  FakeGuest guest;
  const uint64_t inode = guest.inode(guest.super_block("tmpfs", 0, 9), 5, 0100644, 0x1122334455);
  const auto memory = guest.memory();
  const auto kernel = GuestKernel::find(memory);
  ASSERT_TRUE(kernel);
  EXPECT_EQ(kernel->number(inode, kernel->layout().inode.mode), 0100644U);
  EXPECT_EQ(kernel->number(inode, kernel->layout().inode.size), 0x1122334455U);
  EXPECT_EQ(kernel->number(0, kernel->layout().inode.size), std::nullopt);
  EXPECT_EQ(kernel->number(inode, Member{}), std::nullopt);
  EXPECT_EQ(kernel->number(0x1234, kernel->layout().inode.size), std::nullopt);
}

TEST(GuestKernel, StructPagesLeadToTheirMemory) {
  FakeGuest guest;
  const auto memory = guest.memory();
  const auto kernel = GuestKernel::find(memory);
  ASSERT_TRUE(kernel);
  const uint64_t base = *kernel->value<uint64_t>(guest.symbol("vmemmap_base"));
  const uint32_t size = kernel->layout().pages.page_size;
  EXPECT_EQ(kernel->page_address(base + 3 * size), 3 * 4096U);
  EXPECT_EQ(kernel->page_address(base + 3 * size + 8), std::nullopt);
  EXPECT_EQ(kernel->page_address(base - size), std::nullopt);
}

struct BadInfo {
  const char* name;
  const char* text;
  const char* what;
};
void PrintTo(const BadInfo& b, std::ostream* out) { *out << b.name; }

class BadVmcoreInfo : public ::testing::TestWithParam<BadInfo> {};

TEST_P(BadVmcoreInfo, IsAnErrorThatSaysWhere) {
  const auto info = parse_vmcoreinfo(GetParam().text);
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().what, GetParam().what);
}
INSTANTIATE_TEST_SUITE_P(
    , BadVmcoreInfo,
    ::testing::Values(
        BadInfo{"Empty", "", "VMCOREINFO: no OSRELEASE"},
        BadInfo{"NoTables", "OSRELEASE=6.1\n", "VMCOREINFO: no SYMBOL(swapper_pg_dir)"},
        BadInfo{"BadNumber", "OSRELEASE=6.1\nNUMBER(phys_base)=1x\n",
                "VMCOREINFO line 2: bad value"},
        BadInfo{"BadAddress", "OSRELEASE=6.1\nSYMBOL(swapper_pg_dir)=-1\n",
                "VMCOREINFO line 2: bad value"},
        BadInfo{"BadTable", "SYMBOL(kallsyms_names)=\n", "VMCOREINFO line 1: bad value"}),
    ::testing::PrintToStringParamName());

TEST(VmcoreInfo, TakesWhatItNeedsAndPassesOverTheRest) {
  const auto info = parse_vmcoreinfo(std::string_view(
      "OSRELEASE=6.1.0-1-cloud-amd64\nPAGESIZE=4096\nSYMBOL(swapper_pg_dir)=ffffffff86810000\n"
      "no equals sign\nNUMBER(phys_base)=-624951296\nNUMBER(pgtable_l5_enabled)=1\n"
      "SYMBOL(kallsyms_names)=ffffffff85f74d18\nSYMBOL(_stext)=ffffffff84e00000\n\0CUT=1",
      247));
  ASSERT_TRUE(info) << info.error().what;
  EXPECT_EQ(info->release, "6.1.0-1-cloud-amd64");
  EXPECT_EQ(info->page_tables, 0xffffffff86810000);
  EXPECT_EQ(int64_t(info->phys_base), -624951296);
  EXPECT_TRUE(info->five_levels);
  EXPECT_EQ(info->text, 0xffffffff84e00000);
  EXPECT_EQ(info->symbol_tables,
            (std::map<std::string, uint64_t, std::less<>>{{"names", 0xffffffff85f74d18}}));
}

}  // namespace
}  // namespace fptrace::emu
