#include "fingerprint/packages/rpm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>

#include "fingerprint/packages/rpm_blobs.h"
#include "tests/unit/fingerprint/packages/rpm_image.h"
#include "tests/unit/fingerprint/packages/temp_root.h"

namespace fptrace {
namespace {

using test::RpmHeader;
using test::TempRoot;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RpmHeader named() {
  RpmHeader h;
  h.string(1000, "p");
  h.string(1001, "1");
  h.string(1002, "2");
  return h;
}

TEST(RpmHeader, GivesNameVersionAndFiles) {
  const auto p = parse_rpm_header(test::rpm_package("bash"));
  ASSERT_TRUE(p) << p.error().what;
  EXPECT_EQ(p->package, (Package{"rpm", "bash", "1.0-2", "x86_64"}));
  EXPECT_THAT(p->files,
              ElementsAre(RpmFile{"/etc/bash.conf", true}, RpmFile{"/usr/bin/bash", false}));
}

TEST(RpmHeader, EpochStandsBeforeTheVersion) {
  RpmHeader h = named();
  h.numbers(1003, {7});
  EXPECT_EQ(parse_rpm_header(h.build())->package.version, "7:1-2");
}

TEST(RpmHeader, FilesThatAreNotOnDiskAreLeftOut) {
  RpmHeader h = named();
  h.raw(1029, RpmHeader::kInt8, 5, std::string("\0\1\2\3\4", 5));
  h.numbers(1116, {0, 0, 0, 0, 0});
  h.strings(1117, {"normal", "replaced", "left-out", "on-a-share", "other-colour"});
  h.strings(1118, {"/"});
  EXPECT_THAT(parse_rpm_header(h.build())->files,
              ElementsAre(RpmFile{"/normal", false}, RpmFile{"/on-a-share", false}));
}

TEST(RpmHeader, EveryShorterOneIsAnErrorValue) {
  const std::string whole = test::rpm_package("bash");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_rpm_header(std::string_view(whole).substr(0, size))) << size;
  }
}

TEST(RpmHeader, WrongTypesAndIndexesAreErrorValues) {
  const auto error = [](auto change) {
    RpmHeader h = named();
    change(h);
    const auto r = parse_rpm_header(h.build());
    return r ? "" : r.error().what;
  };
  EXPECT_EQ(error([](RpmHeader& h) { h.numbers(1117, {1}); }), "rpm header tag 1117: not strings");
  EXPECT_EQ(error([](RpmHeader& h) { h.string(1116, "x"); }), "rpm header tag 1116: not numbers");
  EXPECT_EQ(error([](RpmHeader& h) { h.raw(1116, RpmHeader::kInt32, 0x40000001, "1234"); }),
            "rpm header tag 1116: reaches past the end");
  EXPECT_EQ(error([](RpmHeader& h) { h.raw(1117, RpmHeader::kStringArray, 9, "a"); }),
            "rpm header tag 1117: reaches past the end");
  EXPECT_EQ(error([](RpmHeader& h) { h.strings(1117, {"a"}); }),
            "rpm header: not one directory for each file");
  EXPECT_EQ(error([](RpmHeader& h) {
              h.strings(1117, {"a"});
              h.numbers(1116, {3});
            }),
            "rpm header: no such directory");
  EXPECT_EQ(parse_rpm_header(RpmHeader().build()).error().what, "rpm header: no name");
}

TEST(RpmHeader, ManyNamesInALongDirectoryAreRefused) {
  RpmHeader h = named();
  h.numbers(1116, std::vector<uint32_t>(50'000));
  h.strings(1117, std::vector<std::string>(50'000));
  h.strings(1118, {std::string(4000, 'x')});
  EXPECT_EQ(parse_rpm_header(h.build()).error().what, "rpm header: paths too long");
}

// A database file as rpm 4.16 and later make it; `log` leaves what is in it in its log.
class SqliteFile {
 public:
  explicit SqliteFile(const std::string& path, bool log = false) {
    EXPECT_EQ(::sqlite3_open(path.c_str(), &db_), SQLITE_OK);
    if (log) run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
  }
  ~SqliteFile() { ::sqlite3_close(db_); }
  SqliteFile(const SqliteFile&) = delete;
  SqliteFile& operator=(const SqliteFile&) = delete;
  void run(const char* sql) {
    EXPECT_EQ(::sqlite3_exec(db_, sql, nullptr, nullptr, nullptr), SQLITE_OK);
  }
  void table() { run("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)"); }
  void package(const std::string& header) {
    sqlite3_stmt* s = nullptr;
    ::sqlite3_prepare_v2(db_, "INSERT INTO Packages (blob) VALUES (?)", -1, &s, nullptr);
    ::sqlite3_bind_blob(s, 1, header.data(), int(header.size()), SQLITE_STATIC);
    EXPECT_EQ(::sqlite3_step(s), SQLITE_DONE);
    ::sqlite3_finalize(s);
  }

 private:
  sqlite3* db_ = nullptr;
};

class RpmTest : public ::testing::Test {
 protected:
  std::vector<std::string> owners(const std::string& path) {
    auto db = RpmDatabase::read(RootDir(root.str()), problems);
    EXPECT_TRUE(db) << db.error().what;
    std::vector<std::string> out;
    if (!db) return out;
    const Ownership owned = db->find(path);
    for (const Package& p : owned.packages) out.push_back(p.name + "." + p.arch);
    if (owned.config) out.push_back("config");
    return out;
  }
  std::string file(const std::string& path) {
    root.write(path);
    return root.str() + path;
  }
  TempRoot root;
  Problems problems;
};

constexpr const char* kOld = "/var/lib/rpm/rpmdb.sqlite";
constexpr const char* kNew = "/usr/lib/sysimage/rpm/rpmdb.sqlite";

TEST_F(RpmTest, SqliteDatabaseIsRead) {
  for (const char* place : {kOld, kNew}) {
    SqliteFile db(file(place));
    db.table();
    db.package(test::rpm_package("bash"));
    EXPECT_THAT(owners("/usr/bin/bash"), ElementsAre("bash.x86_64"));
    EXPECT_THAT(owners("/bin/bash"), ElementsAre("bash.x86_64")) << "merged /usr";
    EXPECT_THAT(owners("/etc/bash.conf"), ElementsAre("bash.x86_64", "config"));
    EXPECT_THAT(owners("/usr/bin/sh"), IsEmpty());
    std::filesystem::remove_all(root.str() + place);
  }
}

TEST_F(RpmTest, PackagesStillInTheLogCountAndNothingIsWritten) {
  SqliteFile db(file(kNew), /*log=*/true);
  db.table();
  db.package(test::rpm_package("bash"));
  const auto size = [&](const char* suffix) {
    return std::filesystem::file_size(root.str() + kNew + suffix);
  };
  const auto before = std::pair(size(""), size("-wal"));
  ASSERT_GT(before.second, 0u);
  EXPECT_THAT(owners("/usr/bin/bash"), ElementsAre("bash.x86_64"));
  EXPECT_EQ(std::pair(size(""), size("-wal")), before);
}

TEST_F(RpmTest, EmptyLogOfAClosedDatabaseIsNoHindrance) {
  {
    SqliteFile db(file(kNew), /*log=*/true);
    db.table();
    db.package(test::rpm_package("bash"));
  }
  root.write(std::string(kNew) + "-wal");
  EXPECT_THAT(owners("/usr/bin/bash"), ElementsAre("bash.x86_64"));
}

TEST_F(RpmTest, FileOfSeveralPackagesNamesTheSystemsArchitectureFirst) {
  SqliteFile db(file(kNew));
  db.table();
  db.package(test::rpm_package("glibc", "i686"));
  db.package(test::rpm_package("glibc", "x86_64"));
  db.package(test::rpm_package("bash", "x86_64"));
  EXPECT_THAT(owners("/usr/bin/glibc"), ElementsAre("glibc.x86_64", "glibc.i686"));
}

TEST_F(RpmTest, NdbDatabaseIsRead) {
  root.write("/usr/lib/sysimage/rpm/Packages.db",
             test::ndb_database({test::rpm_package("zypper"), test::rpm_package("bash")}));
  EXPECT_THAT(owners("/usr/bin/bash"), ElementsAre("bash.x86_64"));
  EXPECT_THAT(owners("/etc/zypper.conf"), ElementsAre("zypper.x86_64", "config"));
  EXPECT_THAT(problems, IsEmpty());
}

TEST_F(RpmTest, LinkOfTheOldPlaceToTheNewStaysInTheRoot) {
  SqliteFile db(file("/elsewhere/rpmdb.sqlite"));
  db.table();
  db.package(test::rpm_package("bash"));
  root.link("/elsewhere", "/var/lib/rpm");
  EXPECT_THAT(owners("/usr/bin/bash"), ElementsAre("bash.x86_64"));
}

TEST_F(RpmTest, BerkeleyDatabaseIsSaidNotToBeRead) {
  root.write("/var/lib/rpm/Packages", "x");
  const auto db = RpmDatabase::read(RootDir(root.str()), problems);
  ASSERT_FALSE(db);
  EXPECT_THAT(db.error().what, HasSubstr(root.str() + "/var/lib/rpm/Packages: a Berkeley DB"));
}

TEST_F(RpmTest, OneDamagedPackageLeavesTheOthers) {
  SqliteFile db(file(kNew));
  db.table();
  db.package("damaged");
  db.package(test::rpm_package("bash"));
  EXPECT_THAT(owners("/usr/bin/bash"), ElementsAre("bash.x86_64"));
  EXPECT_THAT(problems, ElementsAre(root.str() + kNew + ": package 1: rpm header: cut short"));
}

TEST_F(RpmTest, WhatIsNoDatabaseIsTold) {
  for (const std::string& text : {std::string(), std::string("x"), std::string(5000, 'x')}) {
    problems.clear();
    root.write(kNew, text);
    EXPECT_THAT(owners("/x"), IsEmpty());
    EXPECT_THAT(problems, ElementsAre(HasSubstr(root.str() + kNew + ": SQLite: ")));
  }
}

TEST_F(RpmTest, SchemaThatComputesForEverComesToAnEnd) {
  SqliteFile db(file(kNew));
  db.run(
      "CREATE VIEW Packages AS WITH RECURSIVE c(blob) AS (SELECT 1 UNION ALL SELECT blob + 1 "
      "FROM c) SELECT sum(blob) AS blob FROM c");
  EXPECT_THAT(owners("/x"), IsEmpty());
  EXPECT_THAT(problems, ElementsAre(HasSubstr("SQLite: ")));
}

TEST(RpmNdb, EveryShorterOneEndsInAnError) {
  const std::string whole = test::ndb_database({test::rpm_package("bash")});
  const size_t needed = whole.size() - 27;  // the tail of a blob is not read
  for (size_t size = 0; size < needed; ++size) {
    EXPECT_FALSE(for_each_ndb_blob(std::string_view(whole).substr(0, size), [](auto) {})) << size;
  }
}

TEST(RpmNdb, SlotsThatShareAPackageAreRefused) {
  std::string db = test::ndb_database({std::string(100'000, 'x')});
  for (size_t at = 48; at < 4096; at += 16) db.replace(at, 16, db, 32, 16);
  size_t bytes = 0;
  EXPECT_FALSE(for_each_ndb_blob(db, [&](std::string_view blob) { bytes += blob.size(); }));
  EXPECT_LE(bytes, db.size());
}

}  // namespace
}  // namespace fptrace
