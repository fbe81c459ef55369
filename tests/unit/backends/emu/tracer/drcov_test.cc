#include "backends/emu/tracer/drcov.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fptrace::emu {
namespace {

TEST(Drcov, IsWrittenAsItsReadersExpect) {
  const std::string log = drcov_log(
      {{"/bin/cat", 0x400000, 0x409000}, {"/lib/libc.so.6", 0x7f0000000000, 0x7f0000200000}},
      {{0x1000, 5, 0}, {0x20304, 258, 1}});
  EXPECT_EQ(
      log, std::string("DRCOV VERSION: 2\n"
                       "DRCOV FLAVOR: drcov\n"
                       "Module Table: version 2, count 2\n"
                       "Columns: id, base, end, entry, path\n"
                       "  0, 0x0000000000400000, 0x0000000000409000, 0x0000000000000000, /bin/cat\n"
                       "  1, 0x00007f0000000000, 0x00007f0000200000, 0x0000000000000000, "
                       "/lib/libc.so.6\n"
                       "BB Table: 2 bbs\n") +
               std::string("\x00\x10\x00\x00\x05\x00\x00\x00\x04\x03\x02\x00\x02\x01\x01\x00", 16));
}

TEST(Drcov, ANameCannotBreakTheTable) {
  const std::string log = drcov_log({{"/a\nBB Table: 9 bbs\r", 0, 1}}, {});
  EXPECT_EQ(std::ranges::count(log, '\n'), 6);
  EXPECT_NE(log.find("/a?BB Table: 9 bbs?\n"), log.npos);
}

}  // namespace
}  // namespace fptrace::emu
