#include "common/unwind/frame_records.h"

#include <cstdint>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

namespace fptrace::unwind {
namespace {

std::string record(uint32_t id, size_t size = 12) {
  const auto length = uint32_t(size);
  std::string out(4 + size, '\0');
  std::memcpy(out.data(), &length, 4);
  std::memcpy(out.data() + 4, &id, 4);
  return out;
}

const std::string kCie = record(0);  // 16 bytes

TEST(SaneRecords, EndAtTheTerminatorOrTheEnd) {
  const std::string good = kCie + record(20) + record(36);
  EXPECT_EQ(sane_records(good), good);
  EXPECT_EQ(sane_records(good + std::string(4, '\0') + good), good);
  EXPECT_EQ(sane_records(""), "");
}

TEST(SaneRecords, EndBeforeARecordThatIsCutShort) {
  const std::string good = kCie + record(20);
  for (size_t cut = 1; cut < 16; ++cut)
    EXPECT_EQ(sane_records(good.substr(0, good.size() - cut)), kCie) << cut;
}

TEST(SaneRecords, EndBeforeAnFdeWithoutACie) {
  EXPECT_EQ(sane_records(kCie + record(19)), kCie) << "into the middle of the CIE";
  EXPECT_EQ(sane_records(kCie + record(400)), kCie) << "before the section";
  EXPECT_EQ(sane_records(kCie + record(20) + record(20)), kCie + record(20)) << "an FDE";
  EXPECT_EQ(sane_records(record(4)), "");
}

TEST(SaneRecords, EndBeforeARecordThatIsTooLarge) {
  EXPECT_EQ(sane_records(kCie + record(20, kMostRecord)).size(), 16 + 4 + kMostRecord);
  EXPECT_EQ(sane_records(kCie + record(20, kMostRecord + 4)), kCie);
  EXPECT_EQ(sane_records(kCie + std::string(4, '\xff') + std::string(100, '\0')), kCie);
  EXPECT_EQ(sane_records(std::string("\2\0\0\0\0\0", 6)), "") << "too small for an id";
}

}  // namespace
}  // namespace fptrace::unwind
