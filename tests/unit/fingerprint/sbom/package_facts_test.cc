#include "fingerprint/sbom/package_facts.h"

#include <gtest/gtest.h>

namespace fptrace {
namespace {

PackageFacts only(const std::string& fields) {
  const auto all = parse_package_facts("Package: a\nVersion: 1\nArchitecture: amd64\n" + fields);
  EXPECT_TRUE(all && all->contains({"dpkg", "a", "1", "amd64"}));
  return all->begin()->second;
}

TEST(PackageFacts, MaintainerIsTheSupplier) {
  const auto f = only("Maintainer: A \"B\" C <a@b.c>\nHomepage: https://x.y/z\n");
  EXPECT_EQ(f.supplier, "A \"B\" C");
  EXPECT_EQ(f.supplier_email, "a@b.c");
  EXPECT_EQ(f.homepage, "https://x.y/z");
}
TEST(PackageFacts, WhatIsNoMailAddressOrUrlIsLeftOut) {
  EXPECT_EQ(only("Maintainer: A <b>\n").supplier_email, "");
  EXPECT_EQ(only("Maintainer: A <b @c>\n").supplier_email, "");
  EXPECT_EQ(only("Maintainer: A\n").supplier, "A");
  EXPECT_EQ(only("Homepage: javascript:x\n").homepage, "");
  EXPECT_EQ(only("Homepage: https://x y\n").homepage, "");
  EXPECT_EQ(only("").supplier, "");
}
TEST(HostPackageFacts, AreOnlyOfTheInstalledVersion) {
  HostPackageFacts host("");
  EXPECT_EQ(host.facts({"dpkg", "no-such-package", "1", "all"}), PackageFacts());
  EXPECT_EQ(host.facts({"npm", "x", "1", ""}), PackageFacts());
  EXPECT_EQ(host.facts({"dpkg", "../../etc/passwd", "1", "all"}), PackageFacts());
}

}  // namespace
}  // namespace fptrace
