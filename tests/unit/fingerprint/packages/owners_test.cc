#include "fingerprint/packages/owners.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>

#include "tests/unit/fingerprint/packages/rpm_image.h"
#include "tests/unit/fingerprint/packages/temp_root.h"

namespace fptrace {
namespace {

using test::TempRoot;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OwnersTest : public ::testing::Test {
 protected:
  OwnersTest() {
    root.write("/var/lib/dpkg/status", "Package: d\nVersion: 1\nArchitecture: amd64\n");
    root.write("/var/lib/dpkg/info/d.list",
               "/usr/lib/python3/dist-packages/m.py\n/usr/share/both\n/srv/node_modules/n/x.js\n");
  }
  std::vector<std::string> managers(const std::string& path, const std::string& note = "") {
    std::vector<std::string> out;
    for (const Package& p : owners.find(path, note).packages) out.push_back(p.manager);
    return out;
  }
  TempRoot root;
  Owners owners{root.str()};
};

constexpr const char* kNote = R"({"type": "rpm", "name": "n", "version": "1"})";

TEST_F(OwnersTest, SystemGoesBeforeNoteAndNoteBeforeLanguage) {
  root.write("/srv/node_modules/n/package.json", R"({"name": "n", "version": "1"})");
  EXPECT_THAT(managers("/srv/node_modules/n/x.js", kNote), ElementsAre("dpkg"));
  EXPECT_THAT(managers("/srv/node_modules/n/y.js", kNote), ElementsAre("rpm"));
  EXPECT_THAT(managers("/srv/node_modules/n/y.js"), ElementsAre("npm"));
  EXPECT_THAT(managers("/srv/z"), IsEmpty());
  EXPECT_THAT(managers("relative"), IsEmpty());
}

TEST_F(OwnersTest, AllManagersOfASystemAreAsked) {
  root.write("/lib/apk/db/installed", "P:a\nV:1\nF:usr/share\nR:both\nR:own\n");
  root.write("/usr/lib/sysimage/rpm/Packages.db", test::ndb_database({test::rpm_package("r")}));
  EXPECT_THAT(managers("/usr/share/both"), ElementsAre("dpkg", "apk"));
  EXPECT_THAT(managers("/usr/share/own"), ElementsAre("apk"));
  EXPECT_THAT(managers("/usr/bin/r"), ElementsAre("rpm"));
  EXPECT_TRUE(owners.find("/etc/r.conf").config);
}

TEST_F(OwnersTest, ByteCodeHasTheOwnerOfItsSource) {
  EXPECT_THAT(managers("/usr/lib/python3/dist-packages/__pycache__/m.cpython-311.pyc"),
              ElementsAre("dpkg"));
  EXPECT_THAT(managers("/usr/lib/python3/dist-packages/__pycache__/m.cpython-311.opt-1.pyc"),
              ElementsAre("dpkg"));
  EXPECT_THAT(managers("/usr/lib/python3/dist-packages/__pycache__/o.cpython-311.pyc"), IsEmpty());
  root.write("/t/f-1.dist-info/RECORD", "f/g.py,,\n");
  EXPECT_THAT(managers("/t/f/__pycache__/g.cpython-311.pyc"), ElementsAre("pypi"));
}

TEST_F(OwnersTest, DamagedDatabaseIsAProblemAndTheOthersCount) {
  root.write("/lib/apk/db/installed", "P:a\nV:1\nF:\nR:x\n");
  root.write("/var/lib/dpkg/status", "nonsense");
  root.write("/var/lib/rpm/Packages", "x");
  EXPECT_THAT(managers("/x"), ElementsAre("apk"));
  EXPECT_THAT(owners.problems(), ElementsAre(HasSubstr("/var/lib/dpkg/status: dpkg status line 1"),
                                             HasSubstr("/var/lib/rpm/Packages: a Berkeley DB")));
}

TEST_F(OwnersTest, NothingIsReadBeforeItIsNeeded) {
  root.write("/var/lib/dpkg/status", "nonsense");
  root.write("/opt/conda/conda-meta/x.json", "nonsense");
  EXPECT_THAT(owners.problems(), IsEmpty());
  (void)owners.find("/srv/x");
  EXPECT_THAT(owners.problems(), ElementsAre(HasSubstr("/var/lib/dpkg/status")));
  (void)owners.find("/opt/conda/bin/x");
  EXPECT_THAT(owners.problems(), ElementsAre(HasSubstr("/opt/conda"), HasSubstr("/var/lib/dpkg")));
}

double cpu_seconds() {
  timespec t{};
  EXPECT_EQ(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
  return double(t.tv_sec) + double(t.tv_nsec) / 1e9;
}

// The real database of a Debian machine: a thousand files that have an owner, and as many that all
// sources are asked for. In time on a processor, as the tests run side by side.
TEST(OwnersHost, MapsAThousandFilesInHalfASecond) {
  if (!std::filesystem::exists("/var/lib/dpkg/status")) GTEST_SKIP() << "no dpkg here";
  const double begin = cpu_seconds();
  Owners owners("");
  size_t owned = 0;
  for (int i = 0; i < 1000; ++i) {
    owned += owners.find("/usr/bin/dpkg").packages.size();
    owned += owners.find("/nowhere/" + std::to_string(i) + "/x").packages.size();
  }
  const double took = cpu_seconds() - begin;
  EXPECT_EQ(owned, 1000u);
#ifdef NDEBUG
  EXPECT_LT(took, 0.5);
#else
  EXPECT_LT(took, 0.5 * 8);  // unoptimized or sanitized
#endif
}

}  // namespace
}  // namespace fptrace
