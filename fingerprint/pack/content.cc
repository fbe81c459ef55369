#include "fingerprint/pack/content.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "common/base/text.h"
#include "common/content/sha256.h"
#include "fingerprint/pack/host_tree.h"

namespace fptrace::pack {
namespace {

constexpr size_t kBlock = size_t{256} << 10;
constexpr size_t kBlocksAhead = 64;  // so the reader is at most 16 MiB ahead of the writer

// What the reading thread says, in the order of the entries.
struct Piece {
  enum Kind { kBegin, kData, kHole, kEnd, kDone, kFailed } kind = kDone;
  size_t entry = 0;
  std::string bytes;    // kData
  uint64_t length = 0;  // kHole
  Error error;          // kFailed
};

class Queue {
 public:
  // False: nobody takes any more.
  bool put(Piece piece) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return closed_ || pieces_.size() < kBlocksAhead; });
    if (closed_) return false;
    pieces_.push_back(std::move(piece));
    some_.notify_one();
    return true;
  }
  Piece take() {
    std::unique_lock lock(mutex_);
    some_.wait(lock, [&] { return !pieces_.empty(); });
    Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    room_.notify_one();
    return piece;
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    room_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable room_, some_;
  std::deque<Piece> pieces_;
  bool closed_ = false;
};

Error changed(const PackEntry& e, const char* how) {
  return {Errc::kIo, printable(e.path) + ": " + how +
                         "; trace again with --save-inputs DIR and pack with --inputs DIR, or "
                         "leave it out with --exclude"};
}

class Reader {
 public:
  Reader(const std::vector<PackEntry>& entries, HostTree tree, Queue& queue)
      : entries_(entries), tree_(std::move(tree)), queue_(queue) {}

  void run() {
    for (at_ = 0; at_ < entries_.size(); ++at_) {
      const PackEntry& e = entries_[at_];
      if (!queue_.put({Piece::kBegin, at_, {}, 0, {}})) return;
      const bool content = e.type == FileType::kRegular && e.hard_link.empty();
      if (auto ok = content ? read(e) : Result<void>(); !ok) {
        (void)queue_.put({Piece::kFailed, at_, {}, 0, ok.error()});
        return;
      }
      if (!queue_.put({Piece::kEnd, at_, {}, 0, {}})) return;
    }
    (void)queue_.put({Piece::kDone, 0, {}, 0, {}});
  }

 private:
  static Error nobody_takes() { return {Errc::kIo, "stopped"}; }

  Result<void> give(std::string bytes) {
    digest_.add(bytes);
    if (!queue_.put({Piece::kData, at_, std::move(bytes), 0, {}})) return fail(nobody_takes());
    return {};
  }
  Result<void> give_hole(uint64_t length) {
    static const std::string kZeros(kBlock, '\0');
    // Only for the hash, and that only where there is one to compare.
    for (uint64_t left = entries_[at_].sha256 ? length : 0; left > 0;) {
      const size_t n = size_t(std::min<uint64_t>(left, kBlock));
      digest_.add({kZeros.data(), n});
      left -= n;
    }
    if (!queue_.put({Piece::kHole, at_, {}, length, {}})) return fail(nobody_takes());
    return {};
  }

  Result<UniqueFd> open(const PackEntry& e) {
    if (e.content == PackEntry::Content::kHost) return tree_.open_file(e.source);
    UniqueFd fd(::open(e.source.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail_errno("read " + e.source);
    return fd;
  }

  Result<void> read_part(const PackEntry& e, int fd, Extent part) {
    while (part.length > 0) {
      std::string block(size_t(std::min<uint64_t>(part.length, kBlock)), '\0');
      const ssize_t n = ::pread(fd, block.data(), block.size(), off_t(part.offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno("read " + printable(e.path));
      if (n == 0) return fail(changed(e, "has become shorter while it was packed"));
      block.resize(size_t(n));
      part.offset += uint64_t(n);
      part.length -= uint64_t(n);
      if (auto ok = give(std::move(block)); !ok) return ok;
    }
    return {};
  }

  Result<void> read_parts(const PackEntry& e, int fd) {
    const std::vector<Extent> whole{{0, e.size}};
    uint64_t at = 0;
    for (const Extent& part : e.extents ? *e.extents : whole) {
      if (part.offset > at)
        if (auto ok = give_hole(part.offset - at); !ok) return ok;
      if (auto ok = read_part(e, fd, part); !ok) return ok;
      at = part.offset + part.length;
    }
    return e.size > at ? give_hole(e.size - at) : Result<void>();
  }

  Result<void> read(const PackEntry& e) {
    digest_.start();
    if (e.content == PackEntry::Content::kLiteral) return give(e.source);
    if (e.content == PackEntry::Content::kHole)
      return e.size > 0 ? give_hole(e.size) : Result<void>();
    const auto fd = open(e);
    if (!fd) return fail(fd.error());
    if (auto ok = read_parts(e, fd->get()); !ok) return ok;
    char more = 0;
    if (::pread(fd->get(), &more, 1, off_t(e.size)) > 0)
      return fail(changed(e, "has grown while it was packed"));
    const auto digest = digest_.finish();
    if (!digest) return fail(digest.error());
    if (e.sha256 && *e.sha256 != *digest)
      return fail(changed(e, e.content == PackEntry::Content::kSavedInput
                                 ? "the saved input is damaged"
                                 : "has changed since the run read it"));
    return {};
  }

  const std::vector<PackEntry>& entries_;
  HostTree tree_;
  Queue& queue_;
  Sha256Stream digest_;
  size_t at_ = 0;
};

class Progress {
 public:
  explicit Progress(const std::function<void(uint64_t)>& tell) : tell_(tell) {}
  void add(uint64_t bytes) {
    done_ += bytes;
    if (tell_) tell_(done_);
  }

 private:
  const std::function<void(uint64_t)>& tell_;
  uint64_t done_ = 0;
};

Result<void> give(const std::vector<PackEntry>& entries, const Piece& piece, Writer& writer,
                  Progress& progress) {
  switch (piece.kind) {
    case Piece::kBegin:
      return writer.begin(entries[piece.entry]);
    case Piece::kData:
      progress.add(piece.bytes.size());
      return writer.data(piece.bytes);
    case Piece::kHole:
      progress.add(piece.length);
      return writer.hole(piece.length);
    case Piece::kEnd:
      return writer.end();
    case Piece::kFailed:
      return fail(piece.error);
    case Piece::kDone:
      break;
  }
  return {};
}

}  // namespace

Result<void> write_entries(const std::vector<PackEntry>& entries, const std::string& root,
                           Writer& writer, const std::function<void(uint64_t)>& progress,
                           const std::stop_token& stop) {
  auto tree = HostTree::open(root);
  if (!tree) return fail(tree.error());
  Queue queue;
  Reader reader(entries, *std::move(tree), queue);
  const std::jthread thread([&] { reader.run(); });
  Progress told(progress);
  Result<void> result;
  for (Piece piece = queue.take(); result && piece.kind != Piece::kDone; piece = queue.take()) {
    result =
        stop.stop_requested() ? fail(Errc::kIo, "interrupted") : give(entries, piece, writer, told);
    if (!result) break;
  }
  queue.close();  // before the thread is joined
  return result;
}

}  // namespace fptrace::pack
