#include "fingerprint/diff.h"
#include "common/base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/fingerprint/sample.h"

namespace fptrace {
namespace {

using test::full_manifest;
using test::sample_hash;
using Strings = std::vector<std::string>;

TEST(Diff, OfAManifestWithItselfIsEmpty) {
  EXPECT_TRUE(diff(full_manifest(), full_manifest()).equal());
}
TEST(Diff, DoesNotLookAtWhatDiffersFromRunToRun) {
  Manifest other = full_manifest();
  other.processes.reset();
  other.times.reset();
  other.temporaries.reset();
  EXPECT_TRUE(diff(full_manifest(), other).equal());
}

// Every field of a manifest that is compared, changed one at a time.
using Change = std::function<void(Manifest&)>;
TEST(Diff, SeesAChangeOfAnyField) {
  const std::vector<Change> changes = {
      [](Manifest& m) { m.argv.emplace_back("x"); },
      [](Manifest& m) { m.cwd = "/x"; },
      [](Manifest& m) { m.exit.reset(); },
      [](Manifest& m) { m.exit->code = 9; },
      [](Manifest& m) { m.os = "x"; },
      [](Manifest& m) { m.kernel = "x"; },
      [](Manifest& m) { m.machine = "x"; },
      [](Manifest& m) { m.backend = "emu"; },
      [](Manifest& m) { m.files[0].path = "/x"; },
      [](Manifest& m) { m.files[0].source = "/x"; },
      [](Manifest& m) { m.files[0].type = FileType::kFifo; },
      [](Manifest& m) { m.files[0].as_used.pop_back(); },
      [](Manifest& m) { m.files[0].links.clear(); },
      [](Manifest& m) { m.files[0].roles.add(Role::kScript); },
      [](Manifest& m) { m.files[0].linkage = Linkage::kDlopen; },
      [](Manifest& m) { m.files[0].found_by = "ld.so.cache"; },
      [](Manifest& m) { m.files[0].size.reset(); },
      [](Manifest& m) { m.files[0].mode = 0; },
      [](Manifest& m) { m.files[0].sha256 = sample_hash(9); },
      [](Manifest& m) { m.files[0].package.reset(); },
      [](Manifest& m) { m.files[0].package->version = "9"; },
      [](Manifest& m) { m.files[0].other_packages.clear(); },
      [](Manifest& m) { m.files[0].elf.reset(); },
      [](Manifest& m) { m.files[0].elf->soname = "x"; },
      [](Manifest& m) { m.files[0].elf->interpreter = "x"; },
      [](Manifest& m) { std::swap(m.files[0].elf->needed[0], m.files[0].elf->needed[1]); },
      [](Manifest& m) { m.files[0].elf->build_id = "x"; },
      [](Manifest& m) { m.files[0].elf->requires_.clear(); },
      [](Manifest& m) { m.files[0].elf->provides.clear(); },
      [](Manifest& m) { m.files[0].config = false; },
      [](Manifest& m) { m.files[0].opened_by.clear(); },
      [](Manifest& m) { m.files[0].openers.clear(); },
      [](Manifest& m) { m.files[2].target = "x"; },
      [](Manifest& m) { m.files[3].peer = "x"; },
      [](Manifest& m) { m.missing.pop_back(); },
      [](Manifest& m) { m.missing[0].error = "EACCES"; },
      [](Manifest& m) { m.outputs.pop_back(); },
      [](Manifest& m) { m.outputs[0].type = FileType::kRegular; },
      [](Manifest& m) { m.outputs[1].target = "x"; },
      [](Manifest& m) { m.outputs[2].sha256 = sample_hash(9); },
      [](Manifest& m) { m.outputs[2].size = 9; },
      [](Manifest& m) { m.environment_read.clear(); },
      [](Manifest& m) { m.environment_set["PATH"] = "x"; },
      [](Manifest& m) { m.environment_set.erase("PATH"); },
      [](Manifest& m) { m.packages[0].package.version = "9"; },
      [](Manifest& m) { m.packages[0].package.arch = "x"; },
      [](Manifest& m) { m.packages[0].files = 9; },
      [](Manifest& m) { m.complete = true; },
      [](Manifest& m) { m.undecoded[0].count = 9; },
      [](Manifest& m) { m.undecoded.clear(); },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    Manifest other = full_manifest();
    changes[i](other);
    EXPECT_FALSE(diff(full_manifest(), other).equal()) << "change " << i;
    EXPECT_FALSE(diff(other, full_manifest()).equal()) << "change " << i;
  }
}

TEST(Diff, TellsAddedRemovedAndChangedFiles) {
  Manifest a, b;
  a.files.resize(2);
  a.files[0].path = "/a";
  a.files[1].path = "/b";
  a.files[1].sha256 = sample_hash(1);
  b.files = {a.files[1], {}};
  b.files[0].sha256 = sample_hash(2);
  b.files[1].path = "/c";
  const auto d = diff(a, b);
  const FieldDiff content{"sha256", {to_hex(sample_hash(1))}, {to_hex(sample_hash(2))}};
  EXPECT_EQ(d.files, (std::vector<DiffEntry>{{DiffKind::kRemoved, "/a", {}},
                                             {DiffKind::kChanged, "/b", {content}},
                                             {DiffKind::kAdded, "/c", {}}}));
}

Manifest with_package(const std::string& manager, const std::string& version) {
  Manifest m;
  m.packages = {{{manager, "libc6", version, "amd64"}, 3}};
  return m;
}
TEST(Diff, TellsAnUpgradeFromADowngrade) {
  const auto up = diff(with_package("dpkg", "2.9"), with_package("dpkg", "2.10"));
  EXPECT_EQ(up.packages,
            (std::vector<DiffEntry>{
                {DiffKind::kUpgraded, "libc6:amd64", {{"version", {"2.9"}, {"2.10"}}}}}));
  const auto down = diff(with_package("dpkg", "2.10"), with_package("dpkg", "2.9"));
  EXPECT_EQ(down.packages[0].kind, DiffKind::kDowngraded);
  const auto other = diff(with_package("npm", "2.10"), with_package("npm", "2.9"));
  EXPECT_EQ(other.packages[0].kind, DiffKind::kChanged);
  EXPECT_EQ(diff({}, with_package("dpkg", "1")).packages[0].kind, DiffKind::kAdded);
}

Manifest requiring(const Strings& symbols) {
  Manifest m;
  m.files.resize(1);
  m.files[0].path = "/a";
  m.files[0].elf.emplace();
  m.files[0].elf->requires_ = symbols;
  return m;
}
TEST(Diff, TellsWhichSymbolVersionsAreRequiredNewlyAndByWhom) {
  const auto d = diff(requiring({"libc.so.6(GLIBC_2.2)"}), requiring({"libc.so.6(GLIBC_2.38)"}));
  EXPECT_EQ(d.symbols, (std::vector<DiffEntry>{
                           {DiffKind::kRemoved, "libc.so.6(GLIBC_2.2)", {{"by", {"/a"}, {}}}},
                           {DiffKind::kAdded, "libc.so.6(GLIBC_2.38)", {{"by", {}, {"/a"}}}}}));
}

}  // namespace
}  // namespace fptrace
