#include "backends/emu/osi/address_space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/backends/emu/osi/scene.h"

namespace fptrace::emu {
namespace {

using ::testing::ElementsAre;
using testing::FakeGuest;
using testing::FakeKernelOptions;
using testing::FakeMapping;
using ::testing::IsEmpty;

constexpr uint64_t kRead = FakeGuest::kRead, kWrite = FakeGuest::kWrite, kExec = FakeGuest::kExec;

AddressSpace space_of(Scene& s, const GuestNames& names, uint64_t task) {
  return {names, s.kernel().pointer(task, s.kernel().layout().task.mm)};
}
std::vector<uint64_t> begins(const std::vector<GuestMapping>& mappings) {
  std::vector<uint64_t> out;
  for (const GuestMapping& m : mappings) out.push_back(m.begin);
  return out;
}

// Some with gaps between them and some without; enough for a tree of two levels.
std::vector<FakeMapping> many(size_t count) {
  std::vector<FakeMapping> mappings;
  for (uint64_t i = 0, at = 0x400000; i < count; ++i) {
    mappings.push_back({at, at + 0x1000, kRead});
    at += i % 3 == 0 ? 0x1000U : 0x5000U;
  }
  return mappings;
}

class Mappings : public ::testing::TestWithParam<std::tuple<bool, size_t>> {};

TEST_P(Mappings, AreAllFoundInOrderAndEachByItsAddress) {
  const auto [list, count] = GetParam();
  Scene s(FakeKernelOptions{.vma_list = list});
  const auto made = many(count);
  s.guest.map(s.init, made);
  const GuestNames names = s.names();
  const AddressSpace space = space_of(s, names, s.init);
  std::vector<uint64_t> wanted;
  for (const FakeMapping& m : made) wanted.push_back(m.begin);
  EXPECT_EQ(begins(space.mappings()), wanted);
  for (const FakeMapping& m : made) {
    EXPECT_EQ(space.mapping_at(m.begin)->begin, m.begin);
    EXPECT_EQ(space.mapping_at(m.end - 1)->begin, m.begin);
    EXPECT_EQ(space.mapping_at(m.end).has_value(), std::ranges::count(wanted, m.end) != 0);
  }
  EXPECT_FALSE(space.mapping_at(0));
  EXPECT_FALSE(space.mapping_at(~uint64_t{0}));
}
INSTANTIATE_TEST_SUITE_P(, Mappings,
                         ::testing::Combine(::testing::Bool(), ::testing::Values(1, 5, 7, 8, 60)),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param) ? "List" : "Tree") +
                                  std::to_string(std::get<1>(test.param));
                         });

TEST(AddressSpace, TellsWhatAMappingIs) {
  Scene s;
  const uint64_t library = s.guest.file(s.disk_mount, s.data);
  s.guest.map(s.init, {{0x1000, 0x3000, kRead | kExec, 5, library},
                       {0x3000, 0x4000, kRead | kWrite | FakeGuest::kShared, 7}});
  const GuestNames names = s.names();
  const auto mappings = space_of(s, names, s.init).mappings();
  ASSERT_EQ(mappings.size(), 2U);
  EXPECT_TRUE(mappings[0].readable && mappings[0].executable && !mappings[0].writable);
  EXPECT_EQ(mappings[0].file, library);
  EXPECT_EQ(mappings[0].file_offset, 0x5000U);
  EXPECT_TRUE(mappings[1].shared && mappings[1].writable && !mappings[1].executable);
  EXPECT_EQ(mappings[1].file_offset, 0U) << "means nothing without a file";
}

TEST(AddressSpace, NamesMappingsAsTheKernelDoes) {
  Scene s;
  const uint64_t special = s.guest.make("vm_special_mapping");
  s.guest.set("vm_special_mapping", special, "name", s.guest.put("[vdso]"));
  s.guest.map(s.init,
              {{0x1000, 0x2000, kRead, 0, s.guest.file(s.disk_mount, s.data)},
               {0x2000, 0x3000, kRead},
               {0x5000, 0x7000, kRead},
               {0x8000, 0x9000, kRead, 0, 0, s.guest.symbol("special_mapping_vmops"), special},
               {0xa000, 0xb000, kRead}});
  const GuestNames names = s.names();
  const uint64_t mm = s.kernel().pointer(s.init, s.kernel().layout().task.mm);
  s.guest.set("mm_struct", mm, "start_brk", 0x2000);
  s.guest.set("mm_struct", mm, "brk", 0x2800);
  s.guest.set("mm_struct", mm, "start_stack", 0x6ff0);
  const AddressSpace space(names, mm);
  const auto mappings = space.mappings();
  const uint64_t given = s.guest.make("anon_vma_name");
  (void)s.guest.make("anon_vma_name");  // where its name goes on
  s.guest.poke_text(s.guest.member("anon_vma_name", given, "name"), "mine");
  s.guest.set("vm_area_struct", mappings[4].vma, "anon_name", given);
  std::vector<std::string> found;
  for (const GuestMapping& m : mappings) found.push_back(space.name(m).path);
  EXPECT_THAT(found, ElementsAre("/mnt/deep/data", "[heap]", "[stack]", "[vdso]", "[anon:mine]"));
}

TEST(AddressSpace, ReadsAcrossPages) {
  Scene s;
  s.guest.map(s.init, {{0x10000, 0x13000, kRead}});
  s.guest.user_page(s.init, 0x10000, std::string(4096, 'a'));
  s.guest.user_page(s.init, 0x11000, "bcd");
  const GuestNames names = s.names();
  std::string out(10, '?');
  EXPECT_EQ(space_of(s, names, s.init).read(0x10ffa, std::as_writable_bytes(std::span(out))), 10U);
  EXPECT_EQ(out, std::string("aaaaaabcd\0", 10));
}

TEST(AddressSpace, PagesThatWereNotTouchedReadAsTheProcessWouldFindThem) {
  Scene s;
  s.guest.page(s.data_inode, 1, "from the file");
  s.guest.map(s.init, {{0x10000, 0x11000, kRead},
                       {0x11000, 0x13000, kRead, 0, s.guest.file(s.disk_mount, s.data)},
                       {0x20000, 0x21000, 0}});
  const GuestNames names = s.names();
  const AddressSpace space = space_of(s, names, s.init);
  std::string out(4, '?');
  const auto bytes = std::as_writable_bytes(std::span(out));
  EXPECT_EQ(space.read(0x10010, bytes), 4U);
  EXPECT_EQ(out, std::string(4, '\0'));
  EXPECT_EQ(space.read(0x12005, bytes), 4U);
  EXPECT_EQ(out, "the ");
  EXPECT_EQ(space.read(0x11000, bytes), 0U) << "not in the page cache";
  EXPECT_EQ(space.read(0x10ffe, bytes), 2U) << "up to what is not there";
  EXPECT_EQ(space.read(0x20000, bytes), 0U) << "PROT_NONE";
  EXPECT_EQ(space.read(0x30000, bytes), 0U) << "nothing is mapped";
  EXPECT_EQ(space.read(FakeGuest::kDirectMap, bytes), 0U) << "not the kernel's memory";
}

TEST(AddressSpace, SwappedPagesAreNotTakenForEmptyOnes) {
  Scene s;
  s.guest.map(s.init, {{0x10000, 0x11000, kRead}});
  s.guest.user_page(s.init, 0x10000, "x");
  const GuestNames names = s.names();
  const AddressSpace space = space_of(s, names, s.init);
  // Its page table entry: where the walk of 0x10000 ends, present bit away.
  const uint64_t page = *s.kernel().memory().translate(*space.page_tables(), 0x10000);
  auto& bytes = s.guest.bytes();
  for (size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    uint64_t entry = 0;
    std::memcpy(&entry, &bytes[at], 8);
    if (entry == (page | 0x67)) bytes[at] = std::byte{0x66};
  }
  std::byte out{};
  EXPECT_EQ(space.read(0x10000, {&out, 1}), 0U);
}

TEST(AddressSpace, KernelThreadsHaveNone) {
  Scene s;
  const GuestNames names = s.names();
  const AddressSpace space = space_of(s, names, s.init);
  std::byte out{};
  EXPECT_FALSE(space.exists());
  EXPECT_THAT(space.mappings(), IsEmpty());
  EXPECT_FALSE(space.mapping_at(0x1000));
  EXPECT_EQ(space.read(0x1000, {&out, 1}), 0U);
  EXPECT_THAT(space.arguments(), IsEmpty());
  EXPECT_FALSE(space.executable());
}

// A process whose arguments begin at 0x10000, and whose environment follows.
struct Arguments {
  Arguments(std::string_view text, uint64_t arguments_size, uint64_t environment_size) {
    s.guest.map(s.init, {{0x10000, 0x11000, kRead}});
    s.guest.user_page(s.init, 0x10000, text);
    const uint64_t mm = s.kernel().pointer(s.init, s.kernel().layout().task.mm);
    s.guest.set("mm_struct", mm, "arg_start", 0x10000);
    s.guest.set("mm_struct", mm, "arg_end", 0x10000 + arguments_size);
    s.guest.set("mm_struct", mm, "env_start", 0x10000 + arguments_size);
    s.guest.set("mm_struct", mm, "env_end", 0x10000 + arguments_size + environment_size);
    names.emplace(s.names());
    space.emplace(*names, mm);
  }
  Scene s;
  std::optional<GuestNames> names;
  std::optional<AddressSpace> space;
};

TEST(AddressSpace, FindsArgumentsAndEnvironment) {
  Arguments a(std::string_view("prog\0\0two words\0A=1\0B\0", 22), 16, 6);
  EXPECT_THAT(a.space->arguments(), ElementsAre("prog", "", "two words"));
  EXPECT_THAT(a.space->environment(), ElementsAre("A=1", "B"));
}

TEST(AddressSpace, ATitleMayGoOnInTheEnvironment) {
  Arguments a(std::string_view("a long title over it\0X=1\0", 25), 8, 17);
  EXPECT_THAT(a.space->arguments(), ElementsAre("a long title over it"));
}

TEST(AddressSpace, BoundsThatMakeNoSenseGiveNothing) {
  Arguments a("x", 8, 0);
  const uint64_t mm = a.s.kernel().pointer(a.s.init, a.s.kernel().layout().task.mm);
  a.s.guest.set("mm_struct", mm, "arg_start", 0x20000);
  EXPECT_THAT(a.space->arguments(), IsEmpty());
  EXPECT_THAT(a.space->environment(), IsEmpty());
  a.s.guest.set("mm_struct", mm, "arg_start", 0x10000);
  a.s.guest.set("mm_struct", mm, "arg_end", ~uint64_t{0});
  EXPECT_EQ(a.space->arguments().at(0), "x") << "as far as there is memory";
}

TEST(MapleTree, ThatContainsItselfEnds) {
  Scene s;
  s.guest.map(s.init, many(30));
  const GuestNames names = s.names();
  const AddressSpace space = space_of(s, names, s.init);
  const uint64_t mm = s.kernel().pointer(s.init, s.kernel().layout().task.mm);
  const uint64_t root = s.kernel().pointer(mm, s.kernel().layout().mm.tree_root);
  const uint64_t slots = s.guest.member("maple_arange_64", root & ~uint64_t{0xff}, "slot");
  for (uint64_t i = 0; i < 10; ++i) s.guest.poke(slots + i * 8, (root & ~uint64_t{7}) | 4);
  EXPECT_THAT(space.mappings(), IsEmpty());
  EXPECT_FALSE(space.mapping_at(0x400000));
}

TEST(MapleTree, WithOneEntryMayHaveNoNode) {
  Scene s;
  s.guest.map(s.init, many(1));
  const GuestNames names = s.names();
  const AddressSpace space = space_of(s, names, s.init);
  const uint64_t mm = s.kernel().pointer(s.init, s.kernel().layout().task.mm);
  s.guest.set("mm_struct", mm, "mm_mt.ma_root", space.mappings().at(0).vma);
  EXPECT_EQ(space.mappings().size(), 1U);
  EXPECT_TRUE(space.mapping_at(0x400000));
}

}  // namespace
}  // namespace fptrace::emu
