#include "fingerprint/sbom/digest.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace fptrace {
namespace {

class SameFile : public ::testing::Test {
 protected:
  SameFile() {
    char name[] = "/tmp/fptrace-digest-XXXXXX";
    ::close(::mkstemp(name));
    file_.path = name_ = name;
    write("abc");
    file_.size = 3;
    file_.sha256 = Sha256{0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                          0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                          0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
  }
  ~SameFile() override { std::remove(name_.c_str()); }
  void write(const char* text) { std::ofstream(name_, std::ios::trunc) << text; }
  ManifestFile file_;

 private:
  std::string name_;
};

// The values are those of FIPS 180's examples.
TEST_F(SameFile, HasTheSha1OfItsContent) {
  EXPECT_EQ(to_hex(*sha1_of_same_file("", file_)), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
}
TEST_F(SameFile, HasNoneOnceItIsAnotherFile) {
  write("abd");
  EXPECT_EQ(sha1_of_same_file("", file_), std::nullopt);
  write("abcd");
  EXPECT_EQ(sha1_of_same_file("", file_), std::nullopt);
  file_.path += "-gone";
  EXPECT_EQ(sha1_of_same_file("", file_), std::nullopt);
}
TEST_F(SameFile, HasNoneWhenTheTraceDidNotHashIt) {
  file_.sha256.reset();
  EXPECT_EQ(sha1_of_same_file("", file_), std::nullopt);
}
TEST_F(SameFile, IsReadFromWhereItsContentComesFrom) {
  file_.source = file_.path;
  file_.path = "/proc/version";
  EXPECT_TRUE(sha1_of_same_file("", file_));
}
TEST(ContentUuid, IsOfVersionFiveAndOfTheContent) {
  // What Python's uuid.uuid5(uuid.NAMESPACE_URL, "python.org") gives.
  EXPECT_EQ(content_uuid("python.org"), "7af94e2b-4dd9-50f0-9c9a-8a48519bdef0");
  EXPECT_NE(content_uuid("a"), content_uuid("b"));
}

}  // namespace
}  // namespace fptrace
