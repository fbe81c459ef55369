#include "common/proc/mountinfo.h"

#include <gtest/gtest.h>

#include "common/proc/text_file.h"

namespace fptrace {
namespace {

TEST(ParseMountinfo, UndoesEscapesAndSkipsOptionalFields) {
  const auto m = parse_mountinfo(
      "36 35 98:0 /a\\040b /mnt\\0112 rw,noatime shared:1 master:2 - ext4 /dev/x\\134y "
      "rw,errors=z\n"
      "37 35 0:5 / / rw - overlay overlay rw,lowerdir=/l1:/l2,upperdir=/u\n");
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_EQ(*m, (std::vector<Mount>{
                    {36, 35, 98, 0, "/a b", "/mnt\t2", "ext4", "rw,errors=z"},
                    {37, 35, 0, 5, "/", "/", "overlay", "rw,lowerdir=/l1:/l2,upperdir=/u"}}));
}

struct Bad {
  const char* name;
  std::string_view text;
  const char* what;
};
void PrintTo(const Bad& b, std::ostream* os) { *os << b.name; }
class BadMountinfo : public ::testing::TestWithParam<Bad> {};

TEST_P(BadMountinfo, NamesLineAndColumn) {
  const auto m = parse_mountinfo(GetParam().text);
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().what, GetParam().what);
}
INSTANTIATE_TEST_SUITE_P(
    , BadMountinfo,
    ::testing::Values(
        Bad{"NoId", "x 1 1:1 / / rw - a b c\n", "mountinfo line 1: bad field at column 1"},
        Bad{"NoSeparator", "1 1 1:1 / / rw shared:1\n", "mountinfo line 1: bad field at column 16"},
        Bad{"EmptyWord", "1 1 1:1  / rw - a b c\n", "mountinfo line 1: bad field at column 9"},
        Bad{"CutShort", "1 1 1:1 / / rw - a b c", "mountinfo line 1: cut short"}),
    [](const auto& i) { return i.param.name; });

TEST(OverlayLayers, AreUppermostFirst) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(overlay_layers("rw,lowerdir=/a:/b\\:c,upperdir=/u,workdir=/w"),
            (Names{"/u", "/a", "/b:c"}));
  EXPECT_EQ(overlay_layers("lowerdir=/a::/b"), (Names{"/a", "/b"}));
  EXPECT_EQ(overlay_layers("rw,xlowerdir=/a"), Names());
}

TEST(ParseMountinfo, ReadsThisMachines) {
  const auto text = read_text_file("/proc/self/mountinfo");
  ASSERT_TRUE(text);
  const auto m = parse_mountinfo(*text);
  ASSERT_TRUE(m) << m.error().what;
  EXPECT_FALSE(m->empty());
}

}  // namespace
}  // namespace fptrace
