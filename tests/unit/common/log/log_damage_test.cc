#include <sys/stat.h>

#include <gmock/gmock.h>
#include <zstd.h>

#include "common/log/frame.h"
#include "tests/unit/common/log/log_files.h"
#include "tests/unit/common/log/sample_events.h"

// A reader gets whatever bytes a crash, a bad disk or an enemy left. It must give the events of the
// complete chunks before the damage, all true, and then an error.

namespace fptrace::testing {
namespace {

using log_detail::FrameHeader;
using log_detail::FrameKind;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint32_t kChunkEvents = 9;

std::string small_log() {
  const ScratchDir dir;
  write_log(dir / "a.fplog", sample_events(), kChunkEvents);
  return read_file(dir / "a.fplog");
}
bool is_prefix(const std::vector<Event>& part, const std::vector<Event>& whole) {
  return part.size() <= whole.size() && std::equal(part.begin(), part.end(), whole.begin());
}
// How many events are in chunks that end at or before `end`.
size_t complete_before(const std::string& log, uint64_t end) {
  auto reader = LogReader::open(LogBytes("a", log));
  const auto chunks = *reader->chunks();
  size_t n = 0;
  for (size_t i = 0; i < chunks.size(); ++i) {
    const auto head = log_detail::decode_frame_header(
        std::string_view(log).substr(chunks[i].offset, log_detail::kFrameHeaderSize));
    if (chunks[i].offset + log_detail::kFrameHeaderSize + head->stored > end) break;
    n += chunks[i].count;
  }
  return n;
}

TEST(DamagedLog, CutAtEveryByteGivesEveryCompleteChunk) {
  const std::string log = small_log();
  const auto events = sample_events();
  for (size_t size = 0; size < log.size(); ++size) {
    SCOPED_TRACE("cut to " + std::to_string(size) + " of " + std::to_string(log.size()));
    const Outcome got = read_bytes(log.substr(0, size));
    ASSERT_EQ(got.events.size(), size == 0 ? 0 : complete_before(log, size));
    ASSERT_TRUE(is_prefix(got.events, events));
    // Once all events are there, only the index is missing, and nobody needs it.
    ASSERT_EQ(got.error.empty(), got.events.size() == events.size()) << got.error;
    if (!got.error.empty() && size > 0) {
      ASSERT_THAT(got.error, HasSubstr("cut short"));
      ASSERT_THAT(got.error, HasSubstr(got.events.empty()
                                           ? "before its first event"
                                           : "after event " + std::to_string(got.events.size())));
    }
  }
}

TEST(DamagedLog, FlippedBitAnywhereIsFoundAndNothingFalseIsDelivered) {
  const std::string log = small_log();
  const auto events = sample_events();
  for (size_t at = 0; at < log.size(); ++at) {
    SCOPED_TRACE("byte " + std::to_string(at) + " of " + std::to_string(log.size()));
    std::string bytes = log;
    bytes[at] = char(bytes[at] ^ (1 << (at % 8)));
    const Outcome got = read_bytes(bytes);
    ASSERT_TRUE(is_prefix(got.events, events));
    ASSERT_EQ(got.events.size(), complete_before(log, at)) << got.error;
    ASSERT_THAT(got.error, StartsWith("x.fplog: "));
    // Every later part can still be asked for without harm.
    auto reader = LogReader::open(LogBytes("x.fplog", bytes));
    if (!reader) continue;
    for (const size_t i : {size_t{0}, events.size() / 2, events.size() - 1}) {
      const Event& e = events[i];
      if (!reader->seek(e.seq)) continue;
      const auto next = reader->next();
      if (next && *next != nullptr) { ASSERT_EQ(**next, e); }
    }
  }
}

TEST(DamagedLog, ErrorNamesOffsetChunkAndWhatIsIntact) {
  std::string log = small_log();
  auto reader = LogReader::open(LogBytes("a", log));
  const uint64_t second = (*reader->chunks())[1].offset;
  log[second + 50] ^= 1;
  EXPECT_EQ(read_bytes(log).error,
            "x.fplog: damaged at offset " + std::to_string(second) +
                ", chunk 2: the checksum of the data is wrong; the events up to 9 before it are "
                "intact; for the rest, trace again");
}

struct BadFile {
  const char* name;
  std::string bytes;
  Errc code;
  const char* error;
};
void PrintTo(const BadFile& b, std::ostream* out) { *out << b.name; }

std::string with(std::string log, size_t at, char value) {
  log[at] = value;
  return log;
}

class BadFiles : public ::testing::TestWithParam<BadFile> {};
TEST_P(BadFiles, IsRefused) {
  const Outcome got = read_bytes(GetParam().bytes);
  EXPECT_TRUE(got.events.empty());
  EXPECT_EQ(got.code, GetParam().code);
  EXPECT_THAT(got.error, HasSubstr(GetParam().error));
}
INSTANTIATE_TEST_SUITE_P(
    , BadFiles,
    ::testing::Values(
        BadFile{"Empty", "", Errc::kParse, "not an event log (the file is empty)"},
        BadFile{"Text", "hello, world\n", Errc::kParse, "not an event log; `fptrace -l FILE"},
        BadFile{"Elf",
                "\x7f"
                "ELF" +
                    std::string(100, '\0'),
                Errc::kParse, "not an event log"},
        BadFile{"LineEndsChanged",
                "\x89"
                "FPLOG\n" +
                    std::string(100, '\0'),
                Errc::kParse, "not an event log"},
        BadFile{"Newer", with(small_log(), 8, 2), Errc::kUnsupported,
                "event log of format 2 flags 0, but this fptrace reads format 1 only; read it with "
                "the fptrace that wrote it"},
        BadFile{"UnknownFlags", with(small_log(), 12, 1), Errc::kUnsupported, "flags 1"}),
    [](const auto& p) { return std::string(p.param.name); });

// A log of one frame with a valid checksum over whatever header and data.
std::string forged(FrameHeader header, const std::string& data) {
  const std::string log = small_log();
  auto reader = LogReader::open(LogBytes("a", log));
  header.stored = header.stored == 0 ? uint32_t(data.size()) : header.stored;
  header.checksum = log_detail::checksum(data);
  const auto head = log_detail::encode(header);
  return log.substr(0, reader->chunks()->front().offset) + std::string(head.data(), head.size()) +
         data;
}
std::string compressed(const std::string& raw) {
  std::string out(ZSTD_compressBound(raw.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), 3));
  return out;
}

TEST(ForgedLog, SizesThatAskForTooMuchMemoryAreRefusedUnread) {
  const std::string zeros = compressed(std::string(1000, '\0'));
  EXPECT_THAT(read_bytes(forged({FrameKind::kChunk, 0, UINT32_MAX, 1, 1, 0}, zeros)).error,
              HasSubstr("is too large"));
  EXPECT_THAT(read_bytes(forged({FrameKind::kChunk, UINT32_MAX, 1000, 1, 1, 0}, zeros)).error,
              HasSubstr("is too large"));
}
TEST(ForgedLog, BombThatExpandsToMoreThanAnnouncedIsRefused) {
  const std::string bomb = compressed(std::string(30u << 20, '\0'));
  ASSERT_LT(bomb.size(), 10'000U);
  EXPECT_THAT(read_bytes(forged({FrameKind::kChunk, 0, 1000, 1, 1, 0}, bomb)).error,
              HasSubstr("zstd: Destination buffer is too small"));
  EXPECT_THAT(read_bytes(forged({FrameKind::kChunk, 0, 32u << 20, 1, 1, 0}, bomb)).error,
              HasSubstr("the data is shorter than announced"));
}
TEST(ForgedLog, NotZstdIsRefused) {
  EXPECT_THAT(read_bytes(forged({FrameKind::kChunk, 0, 10, 1, 1, 0}, "this is not zstd")).error,
              HasSubstr("zstd: Unknown frame descriptor"));
}
TEST(ForgedLog, ImpossibleSeqsAreRefused) {
  const std::string data = compressed("x");
  for (const auto& [first, count] :
       std::vector<std::pair<uint64_t, uint32_t>>{{0, 1}, {1, 0}, {UINT64_MAX, 2}}) {
    EXPECT_THAT(read_bytes(forged({FrameKind::kChunk, 0, 1, count, first, 0}, data)).error,
                HasSubstr("cannot follow event 0"));
  }
}
TEST(ForgedLog, UnknownFrameIsRefused) {
  EXPECT_THAT(read_bytes(forged({FrameKind(1), 0, 1, 1, 1, 0}, compressed("x"))).error,
              HasSubstr("not a chunk"));
}
TEST(ForgedLog, IndexThatLeadsAstrayGivesErrorsOrTrueEvents) {
  const std::string log = small_log();
  auto reader = LogReader::open(LogBytes("a", log));
  const auto chunks = *reader->chunks();
  const uint64_t at = *log_detail::decode_footer(std::string_view(log).substr(log.size() - 16));
  auto lies = chunks;
  lies[1].offset += 1;
  const std::string raw = encode_index(lies), data = compressed(raw);
  const auto head =
      log_detail::encode({FrameKind::kIndex, uint32_t(data.size()), uint32_t(raw.size()),
                          uint32_t(lies.size()), 0, log_detail::checksum(data)});
  auto forged_reader = LogReader::open(
      LogBytes("x.fplog", log.substr(0, at) + std::string(head.data(), head.size()) + data +
                              log_detail::encode_footer(at)));
  ASSERT_TRUE(forged_reader->seek(12));
  const auto astray = forged_reader->next();
  ASSERT_FALSE(astray);
  EXPECT_THAT(astray.error().what,
              HasSubstr("damaged at offset " + std::to_string(lies[1].offset)));
  ASSERT_TRUE(forged_reader->seek(1));
  EXPECT_EQ(**forged_reader->next(), sample_events()[0]);
}
TEST(DamagedLog, BytesBehindTheEndAreAnError) {
  EXPECT_THAT(read_bytes(small_log() + "x").error, HasSubstr("something else follows the index"));
}

TEST(LogFile, WhatIsNoRegularFileIsRefusedAtOnce) {
  const ScratchDir dir;
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  for (const std::string& path : {dir / "fifo", std::string("/dev/null"), std::string("/")}) {
    const auto r = LogReader::open(path);
    ASSERT_FALSE(r);
    EXPECT_THAT(r.error().what, HasSubstr(path + ": not a regular file"));
  }
  const auto missing = LogReader::open(dir / "none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().what,
            "open event log " + (dir / "none") + ": No such file or directory");
}

}  // namespace
}  // namespace fptrace::testing
