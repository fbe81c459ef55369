#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "backends/emu/plugin/progress.h"

namespace fptrace::emu {

// Words that one thread writes, by a WordWriter, and another one reads in the same order, by a
// WordReader, chunk by chunk. What is written at once is not torn apart. The writer waits when the
// reader is too far behind.
class WordQueue {
 public:
  static constexpr size_t kMostAtOnce = 8;  // words

  WordQueue() : chunks_(new Chunk[kChunks]) {}

 private:
  friend class WordWriter;
  friend class WordReader;

  // 1 MiB: with less, one often waits for the other, as now this one is quicker, now that one.
  static constexpr size_t kWords = 2048, kChunks = 64;
  struct Chunk {
    uint64_t words[kWords];
    size_t size;
  };
  Chunk& chunk(uint64_t number) { return chunks_[number % kChunks]; }

  const std::unique_ptr<Chunk[]> chunks_;
  Progress written_, read_;  // chunks
};

class WordWriter {
 public:
  // The queue must outlive it, and has no other writer.
  explicit WordWriter(WordQueue& queue) : queue_(queue) { begin_chunk(); }

  // Where the next words go: room for kMostAtOnce.
  uint64_t* room() { return next_; }
  // So many have been written there.
  void wrote(size_t words) {
    next_ += words;
    if (next_ > limit_) [[unlikely]]
      pass_on();
  }
  // Until all that was written has been read, and the reader is done with it.
  void wait_until_read() {
    if (next_ != queue_.chunk(written_).words) pass_on();
    queue_.read_.wait_for(written_);
  }

 private:
  void begin_chunk() {
    next_ = queue_.chunk(written_).words;
    limit_ = next_ + WordQueue::kWords - WordQueue::kMostAtOnce;
  }
  [[gnu::noinline]] void pass_on() {
    WordQueue::Chunk& full = queue_.chunk(written_);
    full.size = size_t(next_ - full.words);
    ++written_;
    queue_.written_.raise();
    if (written_ >= WordQueue::kChunks) queue_.read_.wait_for(written_ - WordQueue::kChunks + 1);
    begin_chunk();
  }

  uint64_t* next_;
  uint64_t* limit_;
  WordQueue& queue_;
  uint64_t written_ = 0;  // chunks
};

class WordReader {
 public:
  // The queue must outlive it, and has no other reader.
  explicit WordReader(WordQueue& queue) : queue_(queue) {}

  // Waits for a chunk; done() must follow before the next one.
  std::span<const uint64_t> wait() {
    queue_.written_.wait_for(read_ + 1);
    const WordQueue::Chunk& ready = queue_.chunk(read_);
    return {ready.words, ready.size};
  }
  void done() {
    ++read_;
    queue_.read_.raise();
  }

 private:
  WordQueue& queue_;
  uint64_t read_ = 0;  // chunks
};

}  // namespace fptrace::emu
