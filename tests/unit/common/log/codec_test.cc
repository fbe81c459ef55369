#include "common/log/codec.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/common/log/sample_events.h"

namespace fptrace {
namespace {

std::string encode(const std::vector<Event>& events) {
  ChunkEncoder encoder;
  for (const auto& e : events) encoder.add(e, encoder.weigh(e));
  std::string raw;
  encoder.finish(raw);
  return raw;
}

TEST(ChunkCodec, SamplesCoverEveryEventType) {
  std::set<size_t> types;
  for (const auto& e : testing::sample_events()) types.insert(e.body.index());
  EXPECT_EQ(types.size(), std::variant_size_v<EventBody>);
}

class ChunkCodecEvent : public ::testing::TestWithParam<Event> {};

TEST_P(ChunkCodecEvent, ComesBackEqualFromAChunkOfItsOwn) {
  ChunkDecoder decoder;
  ASSERT_TRUE(decoder.load(encode({GetParam()}), GetParam().seq, 1));
  const auto e = decoder.next();
  ASSERT_TRUE(e) << e.error().what;
  ASSERT_NE(*e, nullptr);
  EXPECT_EQ(**e, GetParam());
  EXPECT_EQ(*decoder.next(), nullptr);
}
INSTANTIATE_TEST_SUITE_P(, ChunkCodecEvent, ::testing::ValuesIn(testing::sample_events()),
                         [](const auto& p) {
                           return "Seq" + std::to_string(p.param.seq) + "Type" +
                                  std::to_string(p.param.body.index());
                         });

TEST(ChunkCodec, ReusedDecoderKeepsNothingOfEarlierEvents) {
  // Backwards, so that long lists and strings come before empty ones in the same event object.
  auto events = testing::sample_events();
  ChunkDecoder decoder;
  for (int round = 0; round < 2; ++round) {
    for (size_t i = events.size(); i-- > 0;) {
      ASSERT_TRUE(decoder.load(encode({events[i]}), events[i].seq, 1));
      EXPECT_EQ(**decoder.next(), events[i]);
    }
  }
}

// Their column ends with the last one: a log without openers is what it was before there were any.
TEST(ChunkCodec, OpenersBetweenOpensWithoutOne) {
  Event with{1, 0, {5, 1}, 5, OpenEvent{}}, without = with;
  std::get<OpenEvent>(with.body).opener = "/lib/x.so";
  ChunkDecoder decoder;
  ASSERT_TRUE(decoder.load(encode({without, with, without}), 1, 3));
  for (const char* opener : {"", "/lib/x.so", ""}) {
    const auto event = decoder.next();
    ASSERT_TRUE(event && *event);
    EXPECT_EQ(std::get<OpenEvent>((*event)->body).opener, opener);
  }
}

TEST(ChunkCodec, TimeMayGoBackwardsAndWrap) {
  auto events = testing::sample_events();
  events[1].time_ns = UINT64_MAX;
  events[2].time_ns = 0;
  ChunkDecoder decoder;
  ASSERT_TRUE(decoder.load(encode(events), 1, uint32_t(events.size())));
  for (const auto& e : events) EXPECT_EQ(**decoder.next(), e);
}

TEST(ChunkCodec, EmptyChunkHasNoEvents) {
  ChunkDecoder decoder;
  ASSERT_TRUE(decoder.load({}, 1, 0));
  EXPECT_EQ(*decoder.next(), nullptr);
}

TEST(ChunkCodec, WrongCountIsAnError) {
  ChunkDecoder decoder;
  const auto r = decoder.load(encode(testing::sample_events()), 1, 3);
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().what.find("events instead of 3"), std::string::npos) << r.error().what;
}

// A few field numbers suffice to write bad chunks by hand: tag = number << 3 | 2, then length.
std::string field(int number, const std::string& bytes) {
  const int tag = number << 3 | 2;
  std::string out;
  if (tag >= 0x80) {
    out = {char(tag | 0x80), char(tag >> 7)};
  } else {
    out = {char(tag)};
  }
  return out + char(bytes.size()) + bytes;
}
const std::string kOneEvent = field(1, "\x0c") + field(2, std::string(1, '\0')) +
                              field(3, std::string(1, '\0')) + field(4, std::string(1, '\0'));

struct BadChunk {
  const char* name;
  std::string raw;
  const char* error;
};
void PrintTo(const BadChunk& b, std::ostream* out) { *out << b.name; }

class BadChunks : public ::testing::TestWithParam<BadChunk> {};
TEST_P(BadChunks, IsAnErrorThatSaysWhat) {
  ChunkDecoder decoder;
  std::string error;
  if (const auto loaded = decoder.load(GetParam().raw, 7, 1); !loaded) {
    error = loaded.error().what;
  } else if (const auto e = decoder.next(); !e) {
    error = e.error().what;
    EXPECT_EQ(*decoder.next(), nullptr) << "nothing behind a damaged event is delivered";
  }
  EXPECT_EQ(error, GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(
    , BadChunks,
    ::testing::Values(
        BadChunk{"NotProtobuf", "\xff\xff", "it is not a protobuf Chunk message"},
        BadChunk{"ColumnsDiffer", field(6, field(1, "\x0c")),
                 "the columns of the event columns differ in length"},
        BadChunk{"StringPastData",
                 field(1, field(1, "ab") + field(2, "\x03")) + field(6, kOneEvent),
                 "string 1 goes past the string data"},
        BadChunk{"ListPastItems",
                 field(2, field(1, "\x02") + field(2, std::string(1, '\0'))) + field(6, kOneEvent),
                 "list 1 goes past the items"},
        BadChunk{"ListNamesNoString",
                 field(2, field(1, "\x01") + field(2, "\x09")) + field(6, kOneEvent),
                 "list 1 names string 9 of 0"},
        BadChunk{"LookupNamesNoFile",
                 field(4, field(1, std::string(1, '\0')) + field(2, std::string(1, '\0')) +
                              field(3, std::string(1, '\0')) + field(4, "\x02")) +
                     field(6, kOneEvent),
                 "lookup 1 names a row that is not in its table"},
        BadChunk{"UnknownType",
                 field(6, field(1, "\x63") + field(2, std::string(1, '\0')) +
                              field(3, std::string(1, '\0')) + field(4, std::string(1, '\0'))),
                 "event 7: an event type this version does not know"},
        BadChunk{"NoSuchProcess",
                 field(6, field(1, "\x0c") + field(2, std::string(1, '\0')) + field(3, "\x05") +
                              field(4, std::string(1, '\0'))),
                 "event 7: a process that is not in the table"},
        BadChunk{"NoFileLeft", field(6, kOneEvent), "event 7: the file stream is too short"},
        BadChunk{"NoSuchFile", field(6, kOneEvent) + field(9, "\x04"),
                 "event 7: a file that is not in the table"},
        BadChunk{"ColumnTooShort",
                 field(6, field(1, "\x06") + field(2, std::string(1, '\0')) +
                              field(3, std::string(1, '\0')) + field(4, std::string(1, '\0'))),
                 "event 7: a column is too short"}),
    [](const auto& p) { return std::string(p.param.name); });

TEST(ChunkCodec, SmallChunkThatStandsForHugeEventsIsRefused) {
  // One list of 20,000 times one string of 2 kB: 40 MB, were it copied.
  ExecEvent exec;
  exec.argv.assign(20'000, std::string(1000, 'x'));
  ChunkEncoder encoder;
  const Event small{1, 0, {}, 0, exec};
  encoder.add(small, encoder.weigh(small));
  exec.argv.assign(20'000, std::string(2'000, 'x'));
  const Event huge{2, 0, {}, 0, exec};
  encoder.add(huge, encoder.weigh(huge));
  std::string raw;
  encoder.finish(raw);
  EXPECT_LT(raw.size(), 200'000U);
  ChunkDecoder decoder;
  ASSERT_TRUE(decoder.load(raw, 1, 2));
  const auto first = decoder.next();
  ASSERT_TRUE(first) << first.error().what;
  EXPECT_EQ(**first, small);
  const auto second = decoder.next();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().what, "event 2: an event that is too large");
}

TEST(IndexCodec, ComesBackEqual) {
  const std::vector<ChunkRef> chunks{{56, 1, 10}, {900, 11, 65536}, {UINT64_MAX, UINT64_MAX, 1}};
  EXPECT_EQ(*decode_index(encode_index(chunks)), chunks);
  EXPECT_EQ(*decode_index(encode_index({})), std::vector<ChunkRef>{});
}
TEST(IndexCodec, GoingBackwardsIsAnError) {
  const auto r = decode_index(encode_index({{56, 10, 1}, {900, 4, 1}}));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().what, "the index goes backwards at entry 1");
}
TEST(HeaderCodec, ComesBackEqual) {
  const LogHeader header{63, "fptrace 1.2"};
  EXPECT_EQ(*decode_header(encode_header(header)), header);
}

}  // namespace
}  // namespace fptrace
