#include "backends/emu/plugin/pair_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "backends/emu/plugin/task_lives.h"

namespace fptrace::emu {
namespace {

TEST(PairMap, KeepsWhatAMapKeeps) {
  std::mt19937_64 random(1);
  PairMap own;
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> other;
  for (int i = 0; i < 100000; ++i) {
    const uint64_t first = random() % 300 << 40, second = random() % 300;
    bool fresh = false;
    uint64_t& value = own.at(first, second, &fresh);
    EXPECT_EQ(fresh, !other.contains({first, second}));
    EXPECT_EQ(value, (other[{first, second}]));
    value += 3;
    other[{first, second}] += 3;
  }
  EXPECT_EQ(own.size(), other.size());
  size_t seen = 0;
  for (const auto& entry : own) {
    if (!entry.used) continue;
    ++seen;
    EXPECT_EQ(entry.value, (other.at({entry.first, entry.second})));
  }
  EXPECT_EQ(seen, other.size());
}

TEST(PairMap, APairOfZeroesIsOneLikeOthers) {
  PairMap map;
  bool fresh = false;
  map.at(0, 0, &fresh) = 5;
  EXPECT_TRUE(fresh);
  EXPECT_EQ(map.at(0, 0, &fresh), 5u);
  EXPECT_FALSE(fresh);
}

TEST(TaskLives, ALifeEndsWhenTheHostSaysSo) {
  TaskLives lives;
  const uint64_t one = lives.life(0x1000), other = lives.life(0x2000);
  EXPECT_NE(one, 0u);
  EXPECT_NE(one, other);
  EXPECT_EQ(lives.life(0x1000), one);
  lives.renew(0x1000);
  EXPECT_NE(lives.life(0x1000), one);
  EXPECT_NE(lives.life(0x1000), other);
  EXPECT_EQ(lives.life(0x2000), other);
}

}  // namespace
}  // namespace fptrace::emu
