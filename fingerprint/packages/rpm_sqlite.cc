#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "fingerprint/packages/rpm_blobs.h"

namespace fptrace {
namespace {

// Steps of SQLite's virtual machine. A package takes about ten; a database whose schema computes
// for ever must come to an end.
constexpr int kStepsAtATime = 100'000, kMostTimes = 200;

using Connection = std::unique_ptr<sqlite3, int (*)(sqlite3*)>;
using Statement = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;

tl::unexpected<Error> bad(sqlite3* db) {
  return fail(Errc::kParse, std::string("SQLite: ") + ::sqlite3_errmsg(db));
}

Result<Connection> open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int code = ::sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE, nullptr);
  Connection db(raw, &::sqlite3_close);
  if (!db) return fail(Errc::kIo, "SQLite: out of memory");
  if (code != SQLITE_OK) return bad(db.get());
  return db;
}

// Takes a database as what it is, whatever its schema would have SQLite do (sqlite.org/security).
void distrust(sqlite3* db, int& times) {
  ::sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  ::sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  ::sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  ::sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  ::sqlite3_progress_handler(
      db, kStepsAtATime, [](void* t) { return int(++*static_cast<int*>(t) > kMostTimes); }, &times);
}

Result<void> read_table(sqlite3* db, const RpmBlobSink& sink) {
  int times = 0;
  distrust(db, times);
  sqlite3_stmt* raw = nullptr;
  if (::sqlite3_prepare_v2(db, "SELECT blob FROM Packages", -1, &raw, nullptr) != SQLITE_OK) {
    return bad(db);
  }
  const Statement statement(raw, &::sqlite3_finalize);
  int code = SQLITE_ROW;
  while ((code = ::sqlite3_step(raw)) == SQLITE_ROW) {
    const void* blob = ::sqlite3_column_blob(raw, 0);
    const auto size = size_t(::sqlite3_column_bytes(raw, 0));
    sink(blob == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(blob), size));
  }
  if (code != SQLITE_DONE) return bad(db);
  return {};
}

// A directory that goes away with its content.
struct ScratchDirectory {
  ScratchDirectory() {
    const char* base = ::getenv("TMPDIR");
    path = std::string(base != nullptr && *base == '/' ? base : "/tmp") + "/fptrace-rpm-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) path.clear();
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  std::string path;
};

// SQLite merges a log only into a file, and ours to change is but a copy.
Result<void> read_copy(std::string_view database, std::string_view wal, const RpmBlobSink& sink) {
  const ScratchDirectory scratch;
  if (scratch.path.empty()) return fail_errno("mkdtemp for a copy of the rpm database");
  const std::string path = scratch.path + "/db";
  for (const auto& [name, bytes] : {std::pair(path, database), std::pair(path + "-wal", wal)}) {
    std::ofstream out(name, std::ios::binary);
    out.write(bytes.data(), std::streamsize(bytes.size()));
    if (!out.flush()) return fail_errno("write " + name);
  }
  const auto db = open(path);
  if (!db) return fail(db.error());
  return read_table(db->get(), sink);
}

}  // namespace

Result<void> for_each_sqlite_blob(std::string database, std::string_view wal,
                                  const RpmBlobSink& sink) {
  if (!wal.empty()) return read_copy(database, wal, sink);
  if (database.size() < 100) return fail(Errc::kParse, "SQLite: file is cut short");
  // Bytes 18 and 19 say that there is a log, which a database in memory cannot have
  // (sqlite.org/fileformat2, sqlite3_deserialize).
  database[18] = database[19] = 1;
  const auto db = open(":memory:");
  if (!db) return fail(db.error());
  const auto size = sqlite3_int64(database.size());
  if (::sqlite3_deserialize(db->get(), "main", reinterpret_cast<unsigned char*>(database.data()),
                            size, size, SQLITE_DESERIALIZE_READONLY) != SQLITE_OK) {
    return bad(db->get());
  }
  return read_table(db->get(), sink);
}

}  // namespace fptrace
