#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "common/base/result.h"

namespace fptrace {

// Called with the header of each package in turn.
using RpmBlobSink = std::function<void(std::string_view blob)>;

// rpmdb.sqlite, as bytes, with what is in its write-ahead log (empty: none). Nothing is written
// beside the database; only with a log is a copy made in the directory for temporary files.
Result<void> for_each_sqlite_blob(std::string database, std::string_view wal,
                                  const RpmBlobSink& sink);

// Pure. Packages.db of the "ndb" backend (SUSE): pages of slots, each of which says in which blocks
// of 16 bytes a header is.
Result<void> for_each_ndb_blob(std::string_view database, const RpmBlobSink& sink);

}  // namespace fptrace
