#include "backends/emu/guest/frame_reader.h"

#include <gtest/gtest.h>

namespace fptrace::emu {
namespace {

std::string bytes(ToHost type, const std::string& content) {
  return make_frame(ToGuest(type), content);  // both directions look the same
}

TEST(FrameReader, PutsPiecesTogether) {
  FrameReader reader;
  const std::string all =
      bytes(ToHost::kOutput, "abc") + bytes(ToHost::kExited, std::string(4, '\1'));
  std::vector<FrameReader::Frame> frames;
  for (const char c : all) {
    reader.add({&c, 1});
    auto frame = reader.next();
    ASSERT_TRUE(frame);
    if (*frame) frames.push_back(**frame);
  }
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0].type, ToHost::kOutput);
  EXPECT_EQ(frames[0].content, "abc");
  EXPECT_EQ(frames[0].number(), std::nullopt);
  EXPECT_EQ(frames[1].number(), 0x01010101u);
}

TEST(FrameReader, RefusesWhatNoGuestOfOursSends) {
  FrameReader too_long;
  const FrameHeader header{uint32_t(ToHost::kOutput), kMaxFrame + 1};
  too_long.add({reinterpret_cast<const char*>(&header), sizeof header});
  EXPECT_FALSE(too_long.next());
  FrameReader unknown;
  unknown.add(bytes(ToHost(99), ""));
  EXPECT_FALSE(unknown.next());
}

}  // namespace
}  // namespace fptrace::emu
