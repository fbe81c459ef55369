#include <gtest/gtest.h>

#include "fingerprint/manifest_file.h"
#include "tests/unit/fingerprint/sample.h"

namespace fptrace {
namespace {

using test::full_manifest;
using test::small_manifest;

TEST(ManifestPb, RoundTripsEveryField) {
  for (const Manifest& m : {full_manifest(), small_manifest()}) {
    const auto again = manifest_from_pb(to_pb(m));
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(*again, m);
  }
}

TEST(ManifestPb, HasTheSameContentAsJson) {
  const auto m = manifest_from_pb(to_pb(*manifest_from_json(to_json(full_manifest()))));
  ASSERT_TRUE(m);
  EXPECT_EQ(to_json(*m), to_json(full_manifest()));
}

TEST(ManifestPb, SamePathTwiceIsRefused) {
  Manifest m = small_manifest();
  m.missing = {{"/x", "ENOENT"}, {"/x", "EACCES"}};
  EXPECT_EQ(manifest_from_pb(to_pb(m)).error().what, "missing[1].path: \"/x\" comes twice");
}

TEST(ManifestPb, DamageIsAnErrorValue) {
  const std::string bytes = to_pb(full_manifest());
  EXPECT_FALSE(manifest_from_pb(""));
  EXPECT_FALSE(manifest_from_pb(bytes.substr(0, 100)));
  EXPECT_FALSE(manifest_from_pb("not a message at all"));
  size_t refused = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string broken = bytes;
    broken[i] = char(broken[i] ^ 0x80);
    if (!manifest_from_pb(broken)) ++refused;
  }
  EXPECT_GT(refused, bytes.size() / 10);
}

}  // namespace
}  // namespace fptrace
