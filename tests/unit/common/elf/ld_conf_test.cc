#include "common/elf/ld_conf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace fptrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LdConf, DirectoriesIncludesCommentsAndWhatIsIgnored) {
  EXPECT_THAT(parse_ld_conf("# all\n"
                            "include a/*.conf  /b.conf\n"
                            "  /opt/lib/ # mine\r\n"
                            "/old/lib=libc5\n"
                            "hwcap 0 nosegneg\n"
                            "relative/lib\n"
                            "\n"
                            "/"),
              ElementsAre(LdConfLine{true, "a/*.conf"}, LdConfLine{true, "/b.conf"},
                          LdConfLine{false, "/opt/lib"}, LdConfLine{false, "/old/lib"},
                          LdConfLine{false, "/"}));
  EXPECT_THAT(parse_ld_conf(""), IsEmpty());
}

class LdConfFilesTest : public ::testing::Test {
 protected:
  std::vector<std::string> directories() {
    LdConfFiles from;
    from.read = [&](const std::string& path) {
      const auto it = files.find(path);
      return it == files.end() ? std::nullopt : std::optional(it->second);
    };
    from.list = [&](const std::string& directory) {
      std::vector<std::string> names;
      for (const auto& [path, text] : files) {
        if (!path.starts_with(directory + "/")) continue;
        const std::string rest = path.substr(directory.size() + 1);
        names.insert(names.begin(), rest.substr(0, rest.find('/')));  // the wrong way round
      }
      return names;
    };
    return ld_conf_directories(from);
  }
  std::map<std::string, std::string> files;
};

TEST_F(LdConfFilesTest, IncludesAreExpandedInOrderOfNameWhereTheyStand) {
  files = {{"/etc/ld.so.conf", "/first\ninclude /etc/ld.so.conf.d/*.conf\n/last\n/b\n"},
           {"/etc/ld.so.conf.d/b.conf", "/b\n"},
           {"/etc/ld.so.conf.d/a.conf", "/a\ninclude sub/x\n"},
           {"/etc/ld.so.conf.d/.hidden.conf", "/hidden\n"},
           {"/etc/ld.so.conf.d/c.txt", "/c\n"},
           {"/etc/ld.so.conf.d/sub/x", "/x\n"}};
  EXPECT_THAT(directories(), ElementsAre("/first", "/a", "/x", "/b", "/last"));
}

TEST_F(LdConfFilesTest, FileThatIncludesItselfEnds) {
  files = {{"/etc/ld.so.conf", "include ld.so.con?\n/a\n"}};
  EXPECT_THAT(directories(), ElementsAre("/a"));
}

TEST_F(LdConfFilesTest, NoFileIsNoDirectories) { EXPECT_THAT(directories(), IsEmpty()); }

}  // namespace
}  // namespace fptrace
