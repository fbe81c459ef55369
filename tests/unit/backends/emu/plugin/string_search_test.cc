#include "backends/emu/plugin/string_search.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <random>
#include <string>
#include <vector>

namespace fptrace::emu {
namespace {

StringSearch search_for(std::string_view text) {
  StringSearch search;
  EXPECT_TRUE(search.set(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  return search;
}

std::vector<int> places(const StringSearch& search, std::string_view value, bool write) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(value.data());
  std::vector<int> out;
  for (int at = search.first(bytes, value.size(), write); at != StringSearch::kNone;
       at = search.next(bytes, value.size(), write, at + 1))
    out.push_back(at);
  return out;
}

using Places = std::vector<int>;

TEST(StringSearch, TakesNoEmptyAndNoEndlessString) {
  StringSearch search;
  const std::string longest(kLongestFind, 'x');
  const auto* bytes = reinterpret_cast<const uint8_t*>(longest.data());
  EXPECT_FALSE(search.set(bytes, 0));
  EXPECT_TRUE(search.set(bytes, longest.size()));
  EXPECT_FALSE(search.set(bytes, longest.size() + 1));
}

TEST(StringSearch, AReadCountsWhenItReadsTheLastByte) {
  const auto secret = search_for("secret");
  EXPECT_EQ(places(secret, "t", false), Places{-5});
  EXPECT_EQ(places(secret, "ret.", false), Places{-3});
  EXPECT_EQ(places(secret, "a secret", false), Places{2});
  EXPECT_EQ(places(secret, "secr", false), Places{});
  EXPECT_EQ(places(secret, "xret", false), Places{});
}

TEST(StringSearch, AWriteCountsWhicheverByteItWrites) {
  const auto secret = search_for("secret");
  EXPECT_EQ(places(secret, "s", true), Places{0});
  EXPECT_EQ(places(secret, "e", true), (Places{-4, -1}));
  EXPECT_EQ(places(secret, "..se", true), Places{2});
  EXPECT_EQ(places(secret, "ret.", true), Places{-3});
  EXPECT_EQ(places(secret, "x", true), Places{});
}

TEST(StringSearch, FindsOverlappingAndRepeatedOnes) {
  EXPECT_EQ(places(search_for("aa"), "aaaa", false), (Places{-1, 0, 1, 2}));
  EXPECT_EQ(places(search_for("ab"), "abxxabab", false), (Places{0, 4, 6}));
  EXPECT_EQ(places(search_for("a"), "banana", false), (Places{1, 3, 5}));
}

// Whatever is in memory, an access to a string that stands there is never missed.
TEST(StringSearch, MissesNothingThatStandsInMemory) {
  std::mt19937 random(7);
  const auto below = [&random](size_t n) { return size_t(random() % n); };
  for (int round = 0; round < 20000; ++round) {
    std::string memory(64, ' ');
    for (char& c : memory) c = char('a' + below(3));
    const size_t begin = below(40), size = 1 + below(20);
    const auto search = search_for(memory.substr(begin, size));
    const size_t at = below(48), width = size_t{1} << below(5);
    const bool write = below(2) == 0;
    const auto found = places(search, memory.substr(at, width), write);
    const bool touched = write ? at < begin + size && begin < at + width
                               : at <= begin + size - 1 && begin + size - 1 < at + width;
    const int expected = int(begin) - int(at);
    EXPECT_EQ(std::ranges::count(found, expected), touched ? 1 : 0)
        << memory << " " << begin << "+" << size << " at " << at << "+" << width;
  }
}

}  // namespace
}  // namespace fptrace::emu
