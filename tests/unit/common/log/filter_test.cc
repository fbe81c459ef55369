#include "common/log/filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "common/log/text.h"
#include "tests/unit/common/log/sample_events.h"

namespace fptrace::testing {
namespace {

std::vector<Event> events() {
  const ProcessKey a{10, 1}, b{20, 2}, again{10, 3};
  const Lookup libz{"lib/libz.so", "/usr", {"/lib"}, sample_file("/usr/lib/libz.so.1", 4)};
  const Lookup missing{"/etc/none", "", {}, {"/etc/none", "", 0, 0, 0, 0, 0, 0, 0, 0}};
  return {
      {1, 0, {}, 0, TraceStartEvent{}},
      {2, 500'000'000, a, 10, OpenEvent{libz, O_RDONLY, 0, 3, 0, false}},
      {3, 1'000'000'000, a, 11, OpenEvent{missing, O_RDONLY, 0, -1, ENOENT, false}},
      {4, 1'500'000'000, b, 20, PathEvent{PathOp::kUnlink, missing, "", EACCES}},
      {5, 2'000'000'000, b, 20, RenameEvent{RenameOp::kLink, libz, missing, 0}},
      {6, 2'500'000'000, again, 10, FdEvent{FdOrigin::kReceived, 7, 0, sample_file(kRudePath, 9)}},
      {7, 3'000'000'000, again, 10, ExitEvent{}},
  };
}

struct Good {
  std::string filter;
  std::vector<uint64_t> seqs;
};
void PrintTo(const Good& g, std::ostream* out) { *out << g.filter; }

class GoodFilter : public ::testing::TestWithParam<Good> {};
TEST_P(GoodFilter, ChoosesTheseEvents) {
  const auto filter = Filter::parse(GetParam().filter);
  ASSERT_TRUE(filter) << filter.error().what;
  std::vector<uint64_t> got;
  for (const auto& e : events()) {
    if (filter->matches(e)) got.push_back(e.seq);
  }
  EXPECT_EQ(got, GetParam().seqs);
}
INSTANTIATE_TEST_SUITE_P(
    , GoodFilter,
    ::testing::Values(
        Good{"", {1, 2, 3, 4, 5, 6, 7}}, Good{"  ", {1, 2, 3, 4, 5, 6, 7}}, Good{"seq=3", {3}},
        Good{"seq=3..5", {3, 4, 5}}, Good{"seq=6..", {6, 7}}, Good{"seq=..2", {1, 2}},
        Good{"seq=1,3,6..7", {1, 3, 6, 7}}, Good{"seq!=2..6", {1, 7}}, Good{"time=0.5..1", {2, 3}},
        Good{"time=2.000000001..2.5", {6}}, Good{"time=3", {7}}, Good{"pid=10", {2, 3, 6, 7}},
        Good{"process=10", {2, 3, 6, 7}}, Good{"process=10/3", {6, 7}},
        Good{"process=10/1,20", {2, 3, 4, 5}}, Good{"tid=11", {3}}, Good{"fd=3", {2}},
        Good{"fd=0..", {2, 6}}, Good{"fd=-1", {3}}, Good{"type=open", {2, 3}},
        Good{"type=open,exit", {2, 3, 7}}, Good{"type=unlink", {4}}, Good{"type=path", {4}},
        Good{"type=rename", {5}}, Good{"type=link", {5}}, Good{"type=exchange", {}},
        Good{"type!=open", {1, 4, 5, 6, 7}}, Good{"error=any", {3, 4}}, Good{"error=ENOENT", {3}},
        Good{"error=2,EACCES", {3, 4}}, Good{"error=none", {1, 2, 5, 6, 7}},
        Good{"error!=none", {3, 4}}, Good{"path=/usr/*", {2, 5}}, Good{"path=*libz.so", {2, 5}},
        Good{"path=/lib", {2, 5}}, Good{"path=/etc/[mn]one", {3, 4, 5}},
        Good{"path=/etc/none", {3, 4, 5}}, Good{"path=\"/etc/[n]one\"", {}},
        Good{"path=/etc/\\*", {}}, Good{"path=\"/tmp/a b\"*", {6}},
        Good{"path=" + quote(kRudePath), {6}}, Good{"path=/tmp/a\\x20b\\x0a*\\xff*", {6}},
        Good{"process=10 type=open  error=ENOENT", {3}}, Good{"type=open seq=4..", {}}));

struct Bad {
  std::string filter, error;
};
void PrintTo(const Bad& b, std::ostream* out) { *out << b.filter; }

class BadFilter : public ::testing::TestWithParam<Bad> {};
TEST_P(BadFilter, IsAnErrorThatNamesTheColumn) {
  const auto filter = Filter::parse(GetParam().filter);
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error().code, Errc::kParse);
  EXPECT_EQ(filter.error().what, "filter column " + GetParam().error);
}
INSTANTIATE_TEST_SUITE_P(
    , BadFilter,
    ::testing::Values(
        Bad{"pth=/x",
            "1: no field 'pth'; there are seq, time, pid, tid, fd, process, type, path, error"},
        Bad{"seq=1 =2",
            "7: no field ''; there are seq, time, pid, tid, fd, process, type, path, error"},
        Bad{"seq", "4: '=' or '!=' expected after 'seq'"},
        Bad{"seq ! =1", "4: '=' or '!=' expected after 'seq'"},
        Bad{"seq=", "5: a value is missing"}, Bad{"seq=1,", "7: a value is missing"},
        Bad{"path=\"\"", "6: a value is missing"}, Bad{"seq=x", "5: 'x' is not a number or range"},
        Bad{"seq=3 seq=1x", "11: '1x' is not a number or range"},
        Bad{"seq=99999999999999999999", "5: '99999999999999999999' is not a number or range"},
        Bad{"seq=..", "5: '..' is not a range such as 10..20, 10.. or ..20"},
        Bad{"seq=5..x", "5: '5..x' is not a range such as 10..20, 10.. or ..20"},
        Bad{"seq=5..4", "5: the range '5..4' is empty"},
        Bad{"time=1.", "6: '1.' is not a number or range"},
        Bad{"time=-1", "6: '-1' is not a number or range"},
        Bad{"time=0.1234567890", "6: '0.1234567890' is not a number or range"},
        Bad{"time=0.-5", "6: '0.-5' is not a number or range"},
        Bad{"process=1/", "9: '1/' is not PID or PID/SERIAL"},
        Bad{"process=x", "9: 'x' is not PID or PID/SERIAL"},
        Bad{"type=opne", "6: no event type 'opne'"},
        Bad{"error=ENONSENSE", "7: no error 'ENONSENSE'; ENOENT, 2, any or none"},
        Bad{"path=\"a b", "6: this quote is not closed"},
        Bad{"path=a\\", "7: nothing follows the backslash"},
        Bad{"path=\\xg1", "6: \\x takes two hexadecimal digits, not 00"},
        Bad{"path=\\x1", "6: \\x takes two hexadecimal digits, not 00"},
        Bad{"path=\\x00", "6: \\x takes two hexadecimal digits, not 00"}));

TEST(Filter, EveryNameThatTextShowsCanBeAskedFor) {
  for (const auto& e : sample_events()) {
    for (const auto name : {operation_name(e), type_name(e)}) {
      const auto filter = Filter::parse("type=" + std::string(name));
      ASSERT_TRUE(filter) << filter.error().what;
      EXPECT_TRUE(filter->matches(e)) << name;
    }
  }
}

}  // namespace
}  // namespace fptrace::testing
