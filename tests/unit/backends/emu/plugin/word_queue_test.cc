#include "backends/emu/plugin/word_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace fptrace::emu {
namespace {

// Reads until so many words have come.
std::vector<uint64_t> read(WordQueue& queue, size_t count) {
  WordReader reader(queue);
  std::vector<uint64_t> words;
  while (words.size() < count) {
    const auto chunk = reader.wait();
    words.insert(words.end(), chunk.begin(), chunk.end());
    reader.done();
  }
  return words;
}

TEST(WordQueue, WordsComeInOrderHoweverManyAreWrittenAtOnce) {
  constexpr uint64_t kWords = 1'000'000;
  WordQueue queue;
  std::vector<uint64_t> words;
  std::thread reader([&] { words = read(queue, kWords); });
  WordWriter writer(queue);
  for (uint64_t done = 0; done < kWords;) {
    const uint64_t left = kWords - done;
    const uint64_t count = std::min(done % WordQueue::kMostAtOnce + 1, left);
    for (uint64_t i = 0; i < count; ++i) writer.room()[i] = done + i;
    writer.wrote(count);
    done += count;
    if (done % 100'003 < count) writer.wait_until_read();
  }
  writer.wait_until_read();
  reader.join();
  ASSERT_EQ(words.size(), kWords);
  for (uint64_t i = 0; i < kWords; ++i) ASSERT_EQ(words[i], i);
}

TEST(WordQueue, WhoWaitsUntilAllIsReadSeesWhatTheReaderMade) {
  WordQueue queue;
  uint64_t sum = 0;
  constexpr uint64_t kRounds = 2000;
  std::thread reader([&] {
    WordReader its(queue);
    for (uint64_t i = 0; i < kRounds; ++i) {
      for (const uint64_t word : its.wait()) sum += word;
      its.done();
    }
  });
  WordWriter writer(queue);
  for (uint64_t i = 1; i <= kRounds; ++i) {
    *writer.room() = i;
    writer.wrote(1);
    writer.wait_until_read();
    ASSERT_EQ(sum, i * (i + 1) / 2);
  }
  reader.join();
}

TEST(WordQueue, AWriterThatIsFarAheadSleepsUntilTheReaderComes) {
  WordQueue queue;
  constexpr uint64_t kWords = 1'000'000;  // more than it takes
  std::thread writer([&] {
    WordWriter its(queue);
    for (uint64_t i = 0; i < kWords; ++i) {
      *its.room() = i;
      its.wrote(1);
    }
    its.wait_until_read();
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::vector<uint64_t> words = read(queue, kWords);
  writer.join();
  EXPECT_EQ(words.back(), kWords - 1);
}

TEST(WordQueue, NothingIsWaitedForWhenNothingWasWritten) {
  WordQueue queue;
  WordWriter(queue).wait_until_read();
}

}  // namespace
}  // namespace fptrace::emu
