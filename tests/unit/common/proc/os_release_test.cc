#include "common/proc/os_release.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

TEST(OsName, IsTheOneForPeople) {
  EXPECT_EQ(os_name("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian\"\n"),
            "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(os_name("NAME=\"x\"\nPRETTY_NAME=\"y\"\n"), "y");
  EXPECT_EQ(os_name("PRETTY_NAME=\"cut"), "cut");
  EXPECT_EQ(os_name("NOT_PRETTY_NAME=\"x\"\n"), "");
  EXPECT_EQ(os_name(""), "");
}

}  // namespace
}  // namespace fptrace
